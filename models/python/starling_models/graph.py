"""`nets.Tst` as an ONNX graph, put together by hand. A daemon asks hundreds of such models one after the other; what they are
made of is then in no cache, and a node costs as much as the arithmetic in it. The tracer's export runs as 65 nodes at the
shipped size, this as 39, in three quarters of the time.

Weights keep their names and shapes, so that a later training can begin with them. Where the graph wants them merged or turned,
nodes over constants say so, and the runtime folds those when it loads."""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

# The first with attention as an operator, and the format that came with it.
OPSET, IR = 23, 11


def tst(net, length, columns, output):
    """Any number of windows. Their steps lie one below the other in a matrix, as Gemm wants them; only places and attention
    are by window."""
    g, d = Graph(net.state_dict()), net.into.out_features
    x = g("Mul", g("Sub", "features", "standard.mean"), "standard.scale")
    x = g("Clip", x, np.float32(-net.standard.clip), np.float32(net.standard.clip))
    x = g("Add", g("MatMul", x, g("Transpose", "into.weight")), g("Add", "place", "into.bias"))
    x = g("Reshape", x, [-1, d])
    for i, layer in enumerate(net.encoders):
        x = encoder(g, f"encoders.{i}", layer, x, length, d)
    x = g.gemm(g.norm(x, "norm"), "classes.weight", g("Sub", "classes.bias", "shift"))
    g("Softmax", x, to=[output], axis=-1)
    return g.bytes(("features", ["n", length, columns]), (output, ["n", 3]))


def encoder(g, name, layer, x, length, d):
    """A single step's query could be multiplied with the keys' weights, and its answer with the values', so that nobody's keys
    and values are computed: a twentieth faster with two heads, but those weights grow with each head."""
    seen = g.norm(x, f"{name}.n1")
    if layer.newest:
        kv = g("Reshape", g.linear(seen, f"{name}.kv"), [-1, length, 2 * d])
        k, v = g("Split", kv, to=[f"{name}.k", f"{name}.v"], axis=-1, num_outputs=2)
        asking, x = g.newest(seen, length), g.newest(x, length)
        q = g("Reshape", g.linear(asking, f"{name}.q"), [-1, 1, d])
    else:
        weight, bias = (g("Concat", f"{name}.q.{part}", f"{name}.kv.{part}", axis=0) for part in ("weight", "bias"))
        qkv = g("Reshape", g.gemm(seen, weight, bias), [-1, length, 3 * d])
        q, k, v = g("Split", qkv, to=[f"{name}.q", f"{name}.k", f"{name}.v"], axis=-1, num_outputs=3)
    a = g("Attention", q, k, v, q_num_heads=layer.heads, kv_num_heads=layer.heads)
    x = g("Add", x, g.linear(g("Reshape", a, [-1, d]), f"{name}.out"))
    up = g.linear(g.norm(x, f"{name}.n2"), f"{name}.up")
    return g("Add", x, g.linear(g("Gelu", up), f"{name}.down"))


class Graph:
    """Called with an operator, it adds a node and answers with the name of what that gives. Inputs are names, or numbers,
    which become constants."""

    def __init__(self, weights):
        self.nodes, self.constants = [], {name: value.numpy() for name, value in weights.items()}

    def __call__(self, op, *inputs, to=None, **attributes):
        to = to or [f"{op}.{len(self.nodes)}"]
        self.nodes.append(helper.make_node(op, [self.named(it) for it in inputs], to, **attributes))
        return to if len(to) > 1 else to[0]

    def named(self, it):
        if isinstance(it, str):
            return it
        value = np.asarray(it)
        name = f"{value.dtype}{value.tolist()}"
        self.constants[name] = value
        return name

    def gemm(self, x, weight, bias):
        return self("Gemm", x, weight, bias, transB=1)

    def linear(self, x, name):
        return self.gemm(x, f"{name}.weight", f"{name}.bias")

    def norm(self, x, name):
        return self("LayerNormalization", x, f"{name}.weight", f"{name}.bias")

    def newest(self, x, length):
        """The last step of each window."""
        return self("Slice", x, [length - 1], [np.iinfo(np.int64).max], [0], [length])

    def bytes(self, *ends):
        given, answered = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends)
        constants = [numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, "tst", [given], [answered], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        checker.check_model(model)
        return model.SerializeToString()
