/**
 * Chance as an argument: seeded, and the same on every machine. A generator is made from a text, so that any day of any
 * coin has its own, reachable without drawing all those before it.
 */

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number
  /** Mean 0, deviation 1. */
  normal(): number
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush, a few nanoseconds a draw. */
export function randomFrom(seed: string): Random {
  let [a, b, c] = hash96(seed)
  let counter = 1
  let spare = Number.NaN

  function uniform(): number {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + t) | 0
    return (t >>> 0) / 4294967296
  }

  /** Marsaglia's polar method: two draws give two normals, and the second is kept. */
  function normal(): number {
    if (!Number.isNaN(spare)) {
      const kept = spare
      spare = Number.NaN
      return kept
    }
    let x = 0
    let y = 0
    let s = 0
    do {
      x = uniform() * 2 - 1
      y = uniform() * 2 - 1
      s = x * x + y * y
    } while (s >= 1 || s === 0)
    const scale = Math.sqrt((-2 * Math.log(s)) / s)
    spare = y * scale
    return x * scale
  }

  for (let i = 0; i < 15; i++) uniform()
  return { uniform, normal }
}

/** A number in [0, 1) that belongs to these two: the same whoever asks, and in whatever order. */
export function chanceOf(salt: number, id: number): number {
  let h = salt ^ Math.imul((id % 4294967296) | 0, 0x9e3779b1)
  h ^= Math.imul((id / 4294967296) | 0, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return ((h ^ (h >>> 15)) >>> 0) / 4294967296
}

/** FNV-1a, finished by a mixer, under three different starts. */
function hash96(text: string): [number, number, number] {
  return [saltFrom(text, 0x811c9dc5), saltFrom(text, 0x1b873593), saltFrom(text, 0x27d4eb2f)]
}

export function saltFrom(text: string, start = 0x811c9dc5): number {
  let h = start | 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return (h ^ (h >>> 15)) | 0
}
