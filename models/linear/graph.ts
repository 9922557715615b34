/** A fit as an ONNX graph: standardise, clip, weigh, share out. Normalisation is inside, so nobody has to repeat it. */
import { onnx } from '../onnx.ts'
import { classCount, type Fit } from './fit.ts'

export function graphOf({ scale, parameters }: Fit): Uint8Array {
  const width = scale.mean.length
  const weight = new Float32Array(width * classCount)
  for (let c = 0; c < width; c++)
    for (let k = 0; k < classCount; k++)
      weight[c * classCount + k] = parameters[k * width + c] as number
  const row = (values: Float64Array) => ({ shape: [width], values: Float32Array.from(values) })
  return onnx({
    nodes: [
      { op: 'Sub', inputs: ['features', 'mean'], outputs: ['centred'] },
      { op: 'Mul', inputs: ['centred', 'scale'], outputs: ['scaled'] },
      { op: 'Clip', inputs: ['scaled', 'low', 'high'], outputs: ['clipped'] },
      { op: 'Gemm', inputs: ['clipped', 'weight', 'bias'], outputs: ['logits'] },
      { op: 'Softmax', inputs: ['logits'], outputs: ['probabilities'], ints: { axis: 1 } },
    ],
    constants: {
      mean: row(scale.mean),
      scale: row(scale.scale),
      low: { shape: [], values: [-scale.clip] },
      high: { shape: [], values: [scale.clip] },
      weight: { shape: [width, classCount], values: weight },
      bias: {
        shape: [classCount],
        values: Float32Array.from(parameters.subarray(classCount * width)),
      },
    },
    inputs: [{ name: 'features', shape: ['n', width] }],
    outputs: [{ name: 'probabilities', shape: ['n', classCount] }],
  })
}
