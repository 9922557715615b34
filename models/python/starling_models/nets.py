"""Small networks over windows. Normalisation is their first layer, so that it travels inside the graph."""
import math
import pathlib
import tempfile
import warnings

import numpy as np
import torch
from torch import nn

from . import graph
from .protocol import say


def device():
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name():
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


class Standard(nn.Module):
    clip = 8.0

    def __init__(self, mean, deviation):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.as_tensor(1 / np.maximum(deviation, 1e-9), dtype=torch.float32))

    def forward(self, x):
        return ((x - self.mean) * self.scale).clamp(-self.clip, self.clip)


class Encoder(nn.Module):
    """One layer over the whole window; with `newest`, for its newest step alone, which is all that a read-out there needs."""

    def __init__(self, d, heads, wide, dropout, newest):
        super().__init__()
        self.heads, self.newest = heads, newest
        self.q, self.kv, self.out = nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Linear(d, d)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.up, self.down = nn.Linear(d, wide), nn.Linear(wide, d)
        self.drop = nn.Dropout(dropout)

    def by_head(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x):
        seen = self.n1(x)
        asking = seen[:, -1:] if self.newest else seen
        x = x[:, -1:] if self.newest else x
        q, k, v = (self.by_head(it) for it in (self.q(asking), *self.kv(seen).chunk(2, -1)))
        a = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1) @ v
        x = x + self.drop(self.out(a.transpose(1, 2).flatten(2)))
        return x + self.drop(self.down(nn.functional.gelu(self.up(self.n2(x)))))


class Tst(nn.Module):
    """A time-series transformer with sinusoidal positions: classes from the newest step, which has looked at the whole window.
    `shift` puts right in the graph what class weights have bent. `graph.tst` follows it layer by layer."""

    def __init__(self, mean, deviation, length, shift, d, heads, layers, wide, dropout):
        super().__init__()
        self.standard, self.into = Standard(mean, deviation), nn.Linear(len(mean), d)
        p, i = torch.arange(length)[:, None], torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
        place = torch.zeros(length, d)
        place[:, 0::2], place[:, 1::2] = torch.sin(p * i), torch.cos(p * i)
        self.register_buffer("place", place)
        self.register_buffer("shift", torch.as_tensor(shift, dtype=torch.float32))
        self.encoders = nn.Sequential(*[Encoder(d, heads, wide, dropout, i == layers - 1) for i in range(layers)])
        self.norm, self.classes = nn.LayerNorm(d), nn.Linear(d, 3)

    def raw(self, x):
        return self.classes(self.norm(self.encoders(self.into(self.standard(x)) + self.place)[:, -1]))

    def forward(self, x):
        return torch.softmax(self.raw(x) - self.shift, -1)

    def to_onnx(self, length, columns, output):
        return graph.tst(self, length, columns, output)


class Lstm(nn.Module):
    """A value, learnt in units of its own deviation."""

    def __init__(self, mean, deviation, unit, d):
        super().__init__()
        self.standard = Standard(mean, deviation)
        self.register_buffer("unit", torch.as_tensor(unit, dtype=torch.float32))
        self.lstm, self.value = nn.LSTM(len(mean), d, batch_first=True), nn.Linear(d, 1)

    def raw(self, x):
        return self.value(self.lstm(self.standard(x))[0][:, -1])

    def forward(self, x):
        return self.raw(x) * self.unit

    def to_onnx(self, length, columns, output):
        return traced(self, length, columns, output)


def begin(job):
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.threads)


def moments(part, rows=20_000):
    sample = part.take(np.linspace(0, len(part) - 1, min(rows, len(part))).astype(int))
    flat = sample.reshape(-1, sample.shape[-1]).astype(np.float64)
    return flat.mean(0), flat.std(0)


def fit(model, loss_of, train, train_y, validate, validate_y, settings, job, trial):
    """Keeps the weights of the best validation loss; stops when it has not grown better for `patience` epochs."""
    where = device()
    model.to(where)
    epochs, batch = int(settings["epochs"]), int(settings["batch"])
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings["rate"], weight_decay=settings["decay"])
    order = np.random.default_rng(job.seed)
    stride = int(settings.get("stride", 1))
    best, kept, waited = math.inf, None, 0
    job.progress.begin()
    per_epoch = -(-(len(train) // stride) // batch)
    for epoch in range(epochs):
        model.train()
        # Neighbouring windows are nearly the same: every epoch sees another one in so many.
        index = order.permutation(np.arange(epoch % stride, len(train), stride))
        for step, rows in enumerate(np.array_split(index, max(1, len(index) // batch))):
            optimiser.zero_grad()
            x = torch.from_numpy(train.take(rows)).to(where)
            value = loss_of(model.raw(x), torch.from_numpy(train_y[rows]).to(where))
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            if step % 20 == 0:
                job.tell("batch", epoch * per_epoch + step + 1, epochs * per_epoch, None if best == math.inf else best)
        loss = evaluate(model, loss_of, validate, validate_y, where)
        job.tell("epoch", epoch + 1, epochs, loss)
        if trial is not None:
            import optuna

            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned()
        if loss < best:
            best, waited = loss, 0
            kept = {k: t.detach().clone() for k, t in model.state_dict().items()}
        else:
            waited += 1
            if waited >= int(settings["patience"]):
                break
    if kept is not None:
        model.load_state_dict(kept)
    model.to("cpu").eval()
    return best


def evaluate(model, loss_of, part, y, where):
    model.eval()
    total = 0.0
    with torch.no_grad():
        for rows in np.array_split(np.arange(len(part)), max(1, len(part) // 2048)):
            x = torch.from_numpy(part.take(rows)).to(where)
            total += float(loss_of(model.raw(x), torch.from_numpy(y[rows]).to(where))) * len(rows)
    return total / len(part)


class Model:
    """A net that has been fitted, as the trainer wants it."""

    def __init__(self, net, settings, job, output):
        self.net, self.settings, self.output = net, settings, output
        self.shape = job.length, len(job.request["input"]["columns"])

    def answer(self, x):
        with torch.no_grad():
            parts = [self.net(b) for b in torch.from_numpy(np.ascontiguousarray(x)).split(2048)]
        return torch.cat(parts).numpy().astype(np.float64)

    def over(self, part):
        return np.concatenate([self.answer(part.take(i)) for i in np.array_split(np.arange(len(part)), 16)])

    def graph(self):
        return self.net.to_onnx(*self.shape, self.output)

    def importance(self):
        return None


def traced(model, length, columns, output):
    """The first axis is open: any number of rows."""
    path = pathlib.Path(tempfile.mkdtemp()) / "model.onnx"
    model.eval()
    # The tracer warns of sizes that could vary; only the first axis does, and every row is held against the graph.
    warnings.simplefilter("ignore")
    torch.onnx.export(
        model, (torch.zeros(4, length, columns),), str(path), dynamo=False, opset_version=17,
        input_names=["features"], output_names=[output], dynamic_axes={"features": {0: "n"}, output: {0: "n"}},
        # Weights keep their names, so that a later training can begin with them; the runtime folds at load.
        do_constant_folding=False,
    )
    return path.read_bytes()


def warm(net, job):
    """Where a version to begin with is named, its weights are taken over, by their names in its graph."""
    if job.request["warmStart"]:
        say("warning", text=f"begins with {take_over(net, job.request['warmStart'])} tensors of the serving version")


def take_over(model, artifact):
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(pathlib.Path(artifact) / "model.onnx")).graph
    known = {it.name: numpy_helper.to_array(it) for it in graph.initializer}
    own = model.state_dict()
    fit = {k: torch.from_numpy(known[k].copy()) for k, t in own.items() if k in known and known[k].shape == tuple(t.shape)}
    model.load_state_dict({**own, **fit})
    return len(fit)
