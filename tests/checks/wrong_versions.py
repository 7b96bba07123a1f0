"""Mistakes that people really made, as (method, right, wrong, what is wrong): its own test must notice each."""

STEP_B = "-self.weight * discrepancy(*self.both(z_t))"
RAMP = "self.weight * sigmoid_ramp(progress)"
OF_THE_EPOCH = """self.weight * sigmoid_ramp(
            progress if self._trainer is None else
            self.steps_done % int(self.trainer.num_training_batches) / int(self.trainer.num_training_batches))"""
IN_EVALUATION_MODE = """source = self.embed(batch.source)
        self.network.eval()
        target = self.embed(batch.target)
        self.network.train()"""
CORAL = """source, target = self.embed_pair(batch)
        return {"task": cross_entropy(source.logits, source.y), "align": self.weight * coral(source.z, target.z)}"""
OWN_ROWS = """z_s, z_t = self.network.encoder(batch.source.x), self.network.encoder(batch.target.x)
        logits, y = self.network.head(z_s), batch.source.y
        return {"task": cross_entropy(logits, y), "align": self.weight * coral(z_s, z_t)}"""
CERTAIN = "entropy(target.logits).mean()"
RELEASED = "return blocks - 1 - int(share * (blocks - 1))"
SAVED = "None if self.weights is None else self.weights.tolist()"

WRONG = [
    ("mcd", STEP_B, STEP_B[1:], "step B minimises the discrepancy"),
    ("mcd", "repeat=self.generator_steps", "repeat=1", "one step C whatever generator_steps says"),
    ("cdan", "torch.exp(-entropy(", "torch.exp(entropy(", "weights 1 + exp(+H)"),
    ("cdan", "p = embedded.logits.detach().softmax(1)", "p = embedded.logits.softmax(1)", "predictions are moved"),
    ("dann", RAMP, "self.weight", "no ramp"),
    ("dan", "mk_mmd(source.z, target.z, ", "mk_mmd(source.logits, target.logits, ", "logits are aligned"),
    ("soft_transfer", "guess = progress * ", "guess = (1.0 - progress) * ", "the ramp is reversed"),
    ("fine_tune", '")) >= first', '")) <= first', "the wrong blocks are released"),
    ("fine_tune", RELEASED, "return int(share * (blocks - 1))", "released from the first to the last"),
    ("deep_coral", "coral(source.z, target.z)", "coral(source.z, target.z.detach())", "only source features move"),
    ("iwan", CERTAIN, "entropy(self.network.head(target.z.detach())).mean()", "only the head moves"),
    ("soft_transfer", "target.logits.softmax(1)", "target.logits.detach().softmax(1)", "soft labels are held constant"),
    ("dann", RAMP, OF_THE_EPOCH, "the ramp restarts every epoch"),
    ("dan", "source, target = self.embed_pair(batch)", IN_EVALUATION_MODE, "the target is embedded in evaluation mode"),
    ("deep_coral", CORAL, OWN_ROWS, "statistics of the rows of one process"),
    ("weighted_risk", SAVED, "None", "the checkpoint lacks the weights of the epoch"),
]
