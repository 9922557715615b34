/**
 * An answer must not depend on the rows that it was computed beside. Kernels may take another path for one row than for
 * many (seen with attention, and with matrix times vector), and then the last bits differ. So at warm-up each session is
 * asked the same rows alone and in bundles of several sizes, and is used from then on in a way that gave equal bits.
 *
 * `free`: any size gave the same. `paired`: only a row alone differed, so it is run beside a copy of itself. `single`:
 * sizes differed among themselves, so every row is run by itself.
 */
export type Bundling = 'free' | 'paired' | 'single'

export type Run = (inputs: Float32Array, rows: number) => Promise<Float32Array>

/** Odd ones and powers of two: kernels treat whole blocks of 4, 8, 16 rows and what is left over differently. */
const sizes = [2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 64]

export async function decideBundling(
  run: Run,
  golden: Float32Array,
  inputWidth: number,
  outputWidth: number,
): Promise<Bundling> {
  const rows = golden.length / inputWidth
  const alone = await runEach(run, golden, rows, 1)
  const paired = await runEach(run, golden, rows, 2)
  for (const size of sizes) {
    const bundle = repeat(golden, size * inputWidth, (size % rows) * inputWidth)
    const answers = await run(bundle, size)
    const expected = repeat(paired, size * outputWidth, (size % rows) * outputWidth)
    if (!equalBits(answers, expected)) return 'single'
  }
  return equalBits(alone, paired) ? 'free' : 'paired'
}

/** Outputs of `rows` rows, run as the session needs it. */
export async function runBundled(
  run: Run,
  bundling: Bundling,
  inputs: Float32Array,
  rows: number,
): Promise<Float32Array> {
  switch (bundling) {
    case 'free':
      return run(inputs, rows)
    case 'paired':
      return rows > 1 ? run(inputs, rows) : runEach(run, inputs, 1, 2)
    case 'single':
      return rows === 1 ? run(inputs, 1) : runEach(run, inputs, rows, 1)
  }
}

/** Each row in a run of its own, beside `copies - 1` copies of itself. */
async function runEach(
  run: Run,
  inputs: Float32Array,
  rows: number,
  copies: number,
): Promise<Float32Array> {
  const width = inputs.length / rows
  const answers: Float32Array[] = []
  for (let row = 0; row < rows; row += 1) {
    const one = inputs.subarray(row * width, (row + 1) * width)
    const outputs = await run(copies === 1 ? one : repeat(one, copies * width, 0), copies)
    answers.push(outputs.subarray(0, outputs.length / copies))
  }
  const outputWidth = answers[0]?.length ?? 0
  const all = new Float32Array(rows * outputWidth)
  answers.forEach((answer, row) => {
    all.set(answer, row * outputWidth)
  })
  return all
}

/** `length` numbers of an endless repetition, from an offset. */
function repeat(numbers: Float32Array, length: number, offset: number): Float32Array {
  const answer = new Float32Array(length)
  for (let at = 0; at < length; at += 1) {
    answer[at] = numbers[(offset + at) % numbers.length] as number
  }
  return answer
}

/** NaN equals itself here: it is refused elsewhere, by its name. */
function equalBits(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, at) => Object.is(value, b[at]))
}
