"""Wrong methods as people write them, each caught by a common check; and right ones of unusual kinds that pass."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from da.checks import CheckedMethod, checks_for
from da.checks.withheld import references_to_withheld
from da.divergences.coral import coral
from da.divergences.mmd import mk_mmd
from da.divergences.prediction import entropy
from da.domain import Batch
from da.methods.base import Method, Phase, Terms
from da.methods.inference import predict
from da.methods.transductive.dann import DANN
from da.methods.transductive.deep_coral import DeepCORAL
from da.methods.transductive.source_only import SourceOnly
from da.nn.networks import Output
from da.schedules import linear_ramp
from da.setting import ALL, MANY, SETTINGS, Access

TRANSDUCTIVE = SETTINGS["transductive"]


def subject(made, **options) -> CheckedMethod:
    return CheckedMethod(made.__name__, made, made.needs, **options)


class InertDiscriminator(nn.Sequential):
    """A softmax over one unit is the constant 1: the bug that a peer shipped for two years."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(super().forward(x), dim=1).squeeze(1)


class InertDANN(DANN):
    def build(self, spec) -> None:
        super().build(spec)
        self.discriminator = InertDiscriminator(nn.Linear(self.network.features, 1))


class FriendlyDANN(DANN):
    """No reversal: the features help the discriminator."""

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        d_s, d_t = self.discriminator(source.z), self.discriminator(target.z)
        domain = -nn.functional.logsigmoid(d_s).mean() - nn.functional.logsigmoid(-d_t).mean()
        return {"task": cross_entropy(source.logits, source.y), "domain": self.weight * domain}


class AlwaysOn(DANN):
    def terms(self, batch: Batch, progress: float) -> Terms:
        found = super().terms(batch, progress)
        return found | {"domain": found["domain"] - 0.1 * self.embed_pair(batch)[0].z.square().mean()}


class Unseeded(SourceOnly):
    def build(self, spec) -> None:
        super().build(spec)
        torch.seed()
        nn.init.normal_(self.network.head.weight)


class OneSided(DeepCORAL):
    """The target's features are detached: only the source moves."""

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        return {
            "task": cross_entropy(source.logits, source.y),
            "align": self.weight * coral(source.z, target.z.detach()),
        }


class OneSidedInTask(SourceOnly):
    """Entropy of predictions on detached target features, hidden in the task term: only the head moves."""

    needs = TRANSDUCTIVE

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        confused = entropy(self.network.head(target.z.detach())).mean()
        return {"task": cross_entropy(source.logits, source.y) + 0.1 * confused}


class TargetInEvaluationMode(DeepCORAL):
    def terms(self, batch: Batch, progress: float) -> Terms:
        source = self.embed(batch.source)
        self.network.eval()
        target = self.embed(batch.target)
        self.network.train()
        return {"task": cross_entropy(source.logits, source.y), "align": mk_mmd(source.z, target.z)}


class OwnRowsOnly(DeepCORAL):
    """Statistics of the rows of one process."""

    def terms(self, batch: Batch, progress: float) -> Terms:
        z_s, z_t = (self.network.encoder(d.x) for d in (batch.source, batch.target))
        return {"task": cross_entropy(self.network.head(z_s), batch.source.y), "align": self.weight * coral(z_s, z_t)}


class RampOfTheEpoch(DANN):
    """The ramp restarts with every epoch."""

    def terms(self, batch: Batch, progress: float) -> Terms:
        if self._trainer is not None:
            steps = int(self.trainer.num_training_batches)
            progress = (self.steps_done % steps) / steps
        return super().terms(batch, progress)


class ProgressOfTheEpoch(DANN):
    @property
    def progress(self) -> float:
        steps = int(self.trainer.num_training_batches)
        return (self.steps_done % steps) / steps


class ForgottenLabels(SourceOnly):
    """Pseudo-labels of the epoch, which the checkpoint does not hold."""

    needs = TRANSDUCTIVE

    def __init__(self) -> None:
        super().__init__()
        self.guesses = None

    def on_train_epoch_start(self) -> None:
        target = self.data.granted.target
        self.guesses = torch.as_tensor(predict(self, target)[1].argmax(1))

    def terms(self, batch: Batch, progress: float) -> Terms:
        found = super().terms(batch, progress)
        if self.guesses is None:
            return found
        view = self.embed(batch.target)
        share = torch.bincount(self.guesses, minlength=view.logits.shape[1]) / len(self.guesses)
        return {"task": found["task"] + cross_entropy(view.logits, share.expand_as(view.logits))}


class Idle(DeepCORAL):
    """A keyword without effect."""

    def __init__(self, *, weight: float = 1000.0, bandwidth: float = 1.0):
        super().__init__(weight=weight)
        self.bandwidth = bandwidth


class PeekingCORAL(DeepCORAL):
    """Trains on labels that the class does not ask for, by going to the scorer."""

    def terms(self, batch: Batch, progress: float) -> Terms:
        found = super().terms(batch, progress)
        if self._trainer is None:
            return found
        leaked = self.trainer.callbacks[0].scorer.exam.domains["target_test"].y
        return found | {"task": found["task"] * (1.0 + float(leaked[:5].sum()))}


class BestOnTest(SourceOnly):
    """Keeps the weights of the epoch that was best on the target's test labels, which the scorer tells."""

    def on_train_epoch_start(self) -> None:
        history = self.trainer.callbacks[0].scorer.history
        if history and history[-1]["target_test"]["accuracy"] > getattr(self, "best", -1.0):
            self.best = history[-1]["target_test"]["accuracy"]
            self.kept = {name: value.clone() for name, value in self.state_dict().items()}
        elif history:
            self.load_state_dict(self.kept)


class CountsOfTest(SourceOnly):
    """Shifts its logits by how often each class occurs in the test labels: the weights stay the same."""

    def forward(self, x: Tensor) -> Output:
        found = super().forward(x)
        y = torch.as_tensor(self.trainer.callbacks[0].scorer.exam.domains["target_test"].y)
        first = torch.bincount(y[: len(y) // 2], minlength=found.logits.shape[1])
        return Output(found.z, found.logits + first)


class BestOnLogger(BestOnTest):
    """As before, but the logger tells."""

    def on_train_epoch_start(self) -> None:
        rows = [row for logger in self.trainer.loggers for row in logger.logger.rows]
        if rows and rows[-1]["target_test/accuracy"] > getattr(self, "best", -1.0):
            self.best = rows[-1]["target_test/accuracy"]
            self.kept = {name: value.clone() for name, value in self.state_dict().items()}
        elif rows:
            self.load_state_dict(self.kept)


class AdaptsToTest(SourceOnly):
    """Learns the mean of whatever it predicts, held-out test inputs included."""

    def build(self, spec) -> None:
        super().build(spec)
        self.register_buffer("mean", torch.zeros(spec.target_shape))

    def forward(self, x: Tensor) -> Output:
        if not self.training:
            self.mean.lerp_(x.mean(0), 0.5)
        return super().forward(x - self.mean)


class BatchesOfTest(SourceOnly):
    """Centres the inputs that it predicts by their own mean: other test samples decide what one is called."""

    def forward(self, x: Tensor) -> Output:
        return super().forward(x - x.mean(0))


CAUGHT = [
    (InertDANN, "every_term_moves_the_features"),
    (FriendlyDANN, "adversaries_are_fought"),
    (AlwaysOn, "weight_zero_is_source_only"),
    (Unseeded, "same_seed_same_weights"),
    (OneSided, "every_domain_moves_the_features"),
    (OneSidedInTask, "every_domain_moves_the_features"),
    (TargetInEvaluationMode, "encoders_embed_in_training_mode"),
    (OwnRowsOnly, "two_processes_equal_one"),
    (RampOfTheEpoch, "epochs_do_not_matter_to_schedules"),
    (ProgressOfTheEpoch, "progress_never_falls"),
    (ForgottenLabels, "resumed_equals_uninterrupted"),
    (Idle, "every_keyword_has_an_effect"),
    (PeekingCORAL, "withheld_labels_change_nothing"),
    (BestOnTest, "withheld_labels_change_nothing"),
    (CountsOfTest, "withheld_labels_change_nothing"),
    (BestOnLogger, "withheld_labels_change_nothing"),
    (AdaptsToTest, "test_inputs_change_nothing"),
    (BatchesOfTest, "test_inputs_change_nothing"),
]


@pytest.mark.parametrize(("broken", "title"), CAUGHT, ids=lambda x: getattr(x, "__name__", x))
def test_the_checks_catch(broken, title) -> None:
    check = dict(checks_for(subject(broken)))[title]
    with pytest.raises(AssertionError, match=broken.__name__):
        check(subject(broken))


@pytest.mark.parametrize("right", [DANN, DeepCORAL, SourceOnly])
def test_what_is_right_passes_the_same_checks(right) -> None:
    checks = dict(checks_for(subject(right)))
    for title in sorted({title for _, title in CAUGHT}):
        if title in checks:
            checks[title](subject(right))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"weight": 1.0}, "lacks 'hidden'; write 'hidden: 256' there"),
        ({"weight": 1.0, "hidden": 256, "width": 2}, "has 'width', which its constructor does not take"),
        ({"weight": 1.0, "hidden": 128}, "says hidden: 128, and its constructor 256"),
    ],
)
def test_a_yaml_that_differs_from_the_constructor_is_caught(config, message) -> None:
    whole = {"_target_": "da.methods.transductive.dann.DANN", "weight": 1.0, "hidden": 256}
    check = dict(checks_for(subject(DANN, config=whole)))["the_yaml_repeats_the_constructor"]
    check(subject(DANN, config=whole))
    with pytest.raises(AssertionError, match=message):
        check(subject(DANN, config=config))
    assert "the_yaml_repeats_the_constructor" not in dict(checks_for(subject(DANN)))


class Hoarder(SourceOnly):
    """Keeps a way to the scorer, hidden as ``hide`` says."""

    hide = "attribute"

    def on_train_start(self) -> None:
        scorer = self.trainer.callbacks[0].scorer
        labels = scorer.exam.domains["target_test"].y
        ways = {
            "attribute": lambda: scorer,
            "closure": lambda: lambda: scorer,
            "partial": lambda: partial(print, scorer),
            "bound method": lambda: scorer.evaluate,
            "default": lambda: _with_default(labels),
            "copy": lambda: labels.copy(),
            "tensor": lambda: torch.as_tensor(labels),
            "view": lambda: labels[::2],
            "chosen": lambda: labels[[3, 1, 4, 1, 5]],
            "numbers": lambda: labels.tolist(),
            "generator": lambda: (scorer for _ in range(2)),
        }
        kept = ways[self.hide]()
        if self.hide == "data":
            self.trainer.datamodule.kept = kept
        self.kept = [{"deep": (kept,)}]


def _with_default(labels):
    def function(y=labels):
        return y

    return function


WAYS = ["attribute", "closure", "partial", "bound method", "default", "copy", "tensor", "view", "chosen", "numbers", "generator"]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_keep_labels_goes_unseen(way) -> None:
    made = type("Hoarder", (Hoarder,), {"hide": way})
    found = references_to_withheld(subject(made))
    assert any(path.startswith("method.kept[0]['deep'][0]") and "labels" in path for path in found), found


def test_the_walk_sees_test_inputs_in_the_data_module() -> None:
    class Keeps(SourceOnly):
        def on_train_start(self) -> None:
            self.trainer.datamodule.kept = self.trainer.callbacks[0].scorer.exam.domains["target_test"].x[3:]

    assert any(
        p.startswith("data.kept") and "inputs of target_test" in p for p in references_to_withheld(subject(Keeps))
    )


class Teacher(Method):
    """Right: a teacher that starts equal to its student and follows it, in a phase of its own without groups."""

    needs = TRANSDUCTIVE

    def __init__(self, *, weight: float = 1.0, decay: float = 0.9):
        super().__init__()
        self.weight, self.decay = weight, decay

    def build(self, spec) -> None:
        super().build(spec)
        self.teacher = spec.network(spec.shape, spec.n_classes)
        self.teacher.load_state_dict(self.network.state_dict())
        self.teacher.requires_grad_(False)

    def groups(self):
        return {"student": self.network.parameters()}

    def phases(self, progress: float) -> list[Phase]:
        return [Phase(self.learn, groups=("student",)), Phase(self.follow, groups=())]

    def learn(self, batch: Batch, progress: float) -> Terms:
        source, target = self.embed_pair(batch)
        with torch.no_grad():
            taught = self.gather(self.teacher(batch.target.x).logits).softmax(1)
        agree = mse_loss(target.logits.softmax(1), taught)
        return {"task": cross_entropy(source.logits, source.y), "agree": self.weight * linear_ramp(progress) * agree}

    def follow(self, batch: Batch, progress: float) -> Terms:
        with torch.no_grad():
            for taught, own in zip(self.teacher.parameters(), self.network.parameters(), strict=True):
                taught.lerp_(own, 1.0 - self.decay)
        return {}


class SourceFree(Method):
    """Right: no source at all; weight times information maximisation on the target."""

    needs = Access(source_x=False, target_x=True)

    def __init__(self, *, weight: float = 1.0):
        super().__init__()
        self.weight = weight

    def terms(self, batch: Batch, progress: float) -> Terms:
        target = self.embed(batch.target)
        mean = target.logits.softmax(1).mean(0)
        spread = -(mean * mean.log()).sum()
        return {"certain": self.weight * entropy(target.logits).mean(), "spread": -self.weight * spread}


class FewLabels(Method):
    """Right: source and a few target labels, no unlabelled target."""

    needs = Access(source_y=ALL, target_y=SETTINGS["inductive"].target_y)

    def __init__(self, *, weight: float = 0.5):
        super().__init__()
        self.weight = weight

    def terms(self, batch: Batch, progress: float) -> Terms:
        source, few = self.embed(batch.source), self.embed(batch.labelled)
        few_loss = self.weight * cross_entropy(few.logits, few.y)
        return {"task": cross_entropy(source.logits, source.y), "few": few_loss}


class SourcesApart(Method):
    """Right: a linear pull of every source's mean to the target's."""

    needs = Access(source_y=ALL, target_x=True, sources=MANY)
    seen = 3

    def __init__(self, *, weight: float = 0.1):
        super().__init__()
        self.weight = weight

    def terms(self, batch: Batch, progress: float) -> Terms:
        target = self.embed(batch.target)
        views = [self.embed(domain) for domain in batch.sources[: self.seen]]
        gaps = [(view.z.mean(0) - target.z.mean(0)).square().sum() for view in views]
        losses = [cross_entropy(view.logits, view.y) for view in views]
        return {"task": torch.stack(losses).mean(), "align": self.weight * torch.stack(gaps).mean()}


class LastSourceLeftOut(SourcesApart):
    seen = 2


def test_a_source_that_is_left_out_is_noticed() -> None:
    check = dict(checks_for(subject(LastSourceLeftOut)))["every_source_is_used"]
    with pytest.raises(AssertionError, match="LastSourceLeftOut does not look at the inputs of source 3 of 3"):
        check(subject(LastSourceLeftOut))


BEHAVIOUR = {"beats_its_baseline"}  # what they are for is not the toys' shifts


@pytest.mark.parametrize("made", [Teacher, SourceFree, FewLabels, SourcesApart])
def test_unusual_methods_are_checkable_and_pass(made) -> None:
    checks = dict(checks_for(subject(made)))
    assert len(checks) >= 15
    for title, check in checks.items():
        if title not in BEHAVIOUR:
            check(subject(made))


class StuckTeacher(Teacher):
    """The consistency reaches the teacher's copy only: the student's predictions are detached."""

    def learn(self, batch: Batch, progress: float) -> Terms:
        found = super().learn(batch, progress)
        target = self.embed(batch.target)
        taught = self.teacher(batch.target.x).logits.softmax(1)
        return found | {
            "agree": self.weight * mse_loss(target.logits.detach().softmax(1), taught) + 0.0 * target.z.sum()
        }


def test_a_teacher_that_starts_equal_to_its_student_does_not_hide_a_missing_gradient() -> None:
    check = dict(checks_for(subject(StuckTeacher)))["every_term_moves_the_features"]
    with pytest.raises(AssertionError, match="'agree' of StuckTeacher does not reach the features"):
        check(subject(StuckTeacher))
