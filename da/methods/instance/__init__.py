"""Methods that reweight source samples to match the target's distribution."""
