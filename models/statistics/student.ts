/** Student's t distribution, through the incomplete beta function. */

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
]

/** Share of the whole above t, with so many degrees of freedom. */
export function studentTail(t: number, freedom: number): number {
  if (Number.isNaN(t)) return Number.NaN
  const both = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  return t > 0 ? both / 2 : 1 - both / 2
}

/** Regularised: I_x(a, b), by Lentz's continued fraction. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1
  // The fraction converges fast on the side of the mean that x lies on.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  )
  const tiny = 1e-300
  let c = 1
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / notZero(1 + even * d)
    c = notZero(1 + even / c)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / notZero(1 + odd * d)
    c = notZero(1 + odd / c)
    const step = d * c
    fraction *= step
    if (Math.abs(step - 1) < 1e-15) break
  }
  return (front * fraction) / a

  function notZero(value: number): number {
    return Math.abs(value) < tiny ? tiny : value
  }
}

/** Lanczos' approximation, good to 1e-14 for positive x. */
function logGamma(x: number): number {
  const y = x - 1
  const sum = lanczos.reduce((total, it, i) => total + it / (y + i + 1), 0.9999999999998099)
  const t = y + lanczos.length - 0.5
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum)
}
