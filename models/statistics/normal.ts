/** The standard normal distribution: to about 1e-15 of its value, the tails included. */

const root2 = Math.sqrt(2)
const rootPi = Math.sqrt(Math.PI)
/** Below it a power series in x, above it a continued fraction; both give full precision around here. */
const seriesMax = 2.5
const fractionTerms = 120

/** Share of the whole below z. */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return Number.NaN
  return z < 0 ? upperTail(-z) : 1 - upperTail(z)
}

/** z below which the share `p` lies; infinite at 0 and 1. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN
  if (p === 0 || p === 1) return p === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (p > 0.5) return -normalQuantile(1 - p)
  // Abramowitz and Stegun 26.2.23 to begin with (4.5e-4), then Newton's steps in the logarithm, which the far tail bears.
  const t = Math.sqrt(-2 * Math.log(p))
  let z = -(
    t -
    (2.515517 + t * (0.802853 + t * 0.010328)) /
      (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  )
  for (let step = 0; step < 4; step++) {
    const share = normalCdf(z)
    z -= (Math.log(share / p) * share) / density(z)
  }
  return z
}

function density(z: number): number {
  return Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)
}

/** Share above z, for z at or above 0. */
function upperTail(z: number): number {
  const x = z / root2
  if (x < seriesMax) {
    // erf(x) = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms positive.
    let term = x
    let sum = x
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return 0.5 - (Math.exp(-x * x) * sum) / rootPi
  }
  // erfc(x) = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3/2/(x + …)))).
  let fraction = x
  for (let n = fractionTerms; n > 0; n--) fraction = x + n / 2 / fraction
  return Math.exp(-x * x) / rootPi / fraction / 2
}
