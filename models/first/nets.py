"""The two small networks. Normalisation is their first layer, so that it travels inside the graph."""
import math

import torch
from torch import nn


class Standard(nn.Module):
    def __init__(self, x):
        super().__init__()
        flat = torch.as_tensor(x).reshape(-1, x.shape[-1])
        self.register_buffer("mean", flat.mean(0))
        self.register_buffer("scale", 1 / flat.std(0).clamp_min(1e-9))

    def forward(self, x):
        return ((x - self.mean) * self.scale).clamp(-8, 8)


class Encoder(nn.Module):
    def __init__(self, d, heads, wide, dropout):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.up, self.down = nn.Linear(d, wide), nn.Linear(wide, d)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(d // self.heads), -1) @ v
        x = x + self.drop(self.out(a.transpose(1, 2).reshape(b, t, d)))
        return x + self.drop(self.down(nn.functional.gelu(self.up(self.n2(x)))))


class Tst(nn.Module):
    """A time-series transformer: classes from the mean over the window."""
    def __init__(self, x, d=32, heads=2, layers=2):
        super().__init__()
        length, columns = x.shape[1:]
        self.standard, self.into = Standard(x), nn.Linear(columns, d)
        p, i = torch.arange(length)[:, None], torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
        place = torch.zeros(length, d)
        place[:, 0::2], place[:, 1::2] = torch.sin(p * i), torch.cos(p * i)
        self.register_buffer("place", place)
        self.encoders = nn.Sequential(*[Encoder(d, heads, 2 * d, 0.1) for _ in range(layers)])
        self.norm, self.classes = nn.LayerNorm(d), nn.Linear(d, 3)

    def logits(self, x):
        return self.classes(self.norm(self.encoders(self.into(self.standard(x)) + self.place)).mean(1))

    def forward(self, x):
        return torch.softmax(self.logits(x), -1)


class Lstm(nn.Module):
    """The next hour's return, learnt in units of its own deviation."""
    def __init__(self, x, unit, d=32):
        super().__init__()
        self.standard, self.unit = Standard(x), unit
        self.lstm, self.value = nn.LSTM(x.shape[2], d, batch_first=True), nn.Linear(d, 1)

    def units(self, x):
        return self.value(self.lstm(self.standard(x))[0][:, -1])

    def forward(self, x):
        return self.units(x) * self.unit


def fit(model, forward, loss, train, validate, epochs, seed=1, rate=1e-3, batch=256):
    """Keeps the weights of the best validation loss."""
    torch.manual_seed(seed)
    x, y = torch.as_tensor(train[0]), torch.as_tensor(train[1])
    vx, vy = torch.as_tensor(validate[0]), torch.as_tensor(validate[1])
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    best, kept = math.inf, None
    for epoch in range(epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimiser.zero_grad()
            loss(forward(x[rows]), y[rows]).backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            v = float(loss(torch.cat([forward(b) for b in vx.split(4096)]), vy))
        print("epoch", epoch, "validation loss", round(v, 5))
        if v < best:
            best, kept = v, {k: t.clone() for k, t in model.state_dict().items()}
    model.load_state_dict(kept)
    model.eval()


def predict(model, x):
    with torch.no_grad():
        return torch.cat([model(b) for b in torch.as_tensor(x).split(4096)]).numpy().astype("float64")


def to_onnx(model, x, output):
    import tempfile, pathlib
    path = pathlib.Path(tempfile.mkdtemp()) / "model.onnx"
    open_rows = {"features": {0: "n"}, output: {0: "n"}}
    model.eval()
    torch.onnx.export(model, (torch.as_tensor(x[:4]),), str(path), dynamo=False, opset_version=17,
                      input_names=["features"], output_names=[output], dynamic_axes=open_rows)
    return path.read_bytes()
