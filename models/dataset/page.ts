/** A dataset's profile as one page that needs nothing else: no script, no font, no other file. */
import { minuteText } from '../../streams/time.ts'
import type { DatasetManifest } from './manifest.ts'
import { type ColumnProfile, type DayProfile, type Profile, quantilesAt } from './profile.ts'

export function profilePage(manifest: DatasetManifest, profile: Profile): string {
  const { coin, source, interval, from, to, rows, flaws, label, horizonCandles } = manifest
  const title = `${coin} on ${source}, ${from.slice(0, 10)} to ${to.slice(0, 10)}`
  const left = Object.entries(flaws).filter(([name, n]) => name !== 'none' && n > 0)
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(title)}</title>
<style>${style}</style>
<h1>${text(title)}</h1>
<p>${count(rows)} candles of ${interval}; <b>${count(flaws.none)} examples</b>. ${
    left.length === 0
      ? 'None is left out.'
      : `Left out: ${left.map(([name, n]) => `${count(n)} ${text(name.replace('_', ' '))}`).join(', ')}.`
  }
Label: ${text(labelWords(label))}, ${horizonCandles} candles ahead.</p>
<h2>Checks</h2>
<table><tbody>${manifest.checks
    .map(
      ({ name, ok, detail }) =>
        `<tr><td class="${ok ? 'ok' : 'bad'}">${ok ? 'holds' : 'fails'}<td>${name}<td>${text(detail)}`,
    )
    .join('')}</tbody></table>
<h2>Label</h2>
${profile.balance === null ? columnTable([profile.target]) : balanceBar(profile.balance)}
<h2>Days</h2>
${days(profile.days, manifest.gaps)}
<h2>Columns</h2>
${columnTable(profile.columns)}
</html>
`
}

const style = `
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e8e6e1); --soft: light-dark(#6b7280, #9aa0a6);
  --line: light-dark(#e5e7eb, #33363b); --bar: light-dark(#3b6ea5, #7fb0e0); --sell: light-dark(#b4513f, #e58b78);
  --hold: light-dark(#9ca3af, #6b7280); --buy: light-dark(#3f8f5f, #77c796) }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #17191c);
  max-width: 80rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
td, th { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; font-weight: 400 }
th { color: var(--soft); font-size: .85rem }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.ok { color: var(--buy) } .bad { color: var(--sell); font-weight: 600 }
.scroll { overflow-x: auto }
.scroll td, .scroll th { padding: .15rem .4rem; font-size: .8rem; white-space: nowrap }
svg { display: block } figure { margin: 0 } figcaption { color: var(--soft); font-size: .85rem }`

function balanceBar(balance: readonly [number, number, number]): string {
  const total = Math.max(1, balance[0] + balance[1] + balance[2])
  const names = ['sell', 'hold', 'buy'] as const
  let x = 0
  const parts = balance.map((n, i) => {
    const width = (n / total) * 100
    const part = `<rect x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="18" fill="var(--${names[i]})"/>`
    x += width
    return part
  })
  const words = balance.map((n, i) => `${names[i]} ${((n / total) * 100).toFixed(1)} %`).join(', ')
  const drawn = `<svg width="100%" height="18" role="img" aria-label="${words}">${parts.join('')}</svg>`
  return `<figure>${drawn}<figcaption>${words}</figcaption></figure>`
}

/** `scaled_threshold (up 0.5, down -0.5, lookback 240)`. */
function labelWords({ kind, ...rest }: DatasetManifest['label']): string {
  const settings = Object.entries(rest).map(([name, value]) => `${name} ${value}`)
  return settings.length === 0 ? kind : `${kind} (${settings.join(', ')})`
}

/** One bar a day: what there is to learn from, and above it what is missing or quiet. */
function days(all: readonly DayProfile[], gaps: DatasetManifest['gaps']): string {
  const width = 4
  const height = 60
  const most = Math.max(1, ...all.map(({ examples, missing, quiet }) => examples + missing + quiet))
  const bars = all.map(({ day, examples, missing, quiet }, i) => {
    const tall = (n: number): number => (n / most) * height
    const y = height - tall(examples)
    const words = `${day}: ${examples} examples, ${missing} missing, ${quiet} quiet`
    const bar = (top: number, n: number, ink: string): string =>
      `<rect x="${i * width}" y="${top.toFixed(1)}" width="${width - 0.5}" height="${tall(n).toFixed(1)}" fill="var(--${ink})"/>`
    return `<g><title>${words}</title>${bar(y, examples, 'bar')}${bar(y - tall(missing), missing, 'sell')}</g>`
  })
  const box = `viewBox="0 0 ${all.length * width} ${height}" preserveAspectRatio="none"`
  const drawn = `<svg ${box} width="100%" height="${height}" role="img" aria-label="examples by day">${bars.join('')}</svg>`
  const [first, last] = [all[0]?.day ?? '', all.at(-1)?.day ?? '']
  const words = `Examples by day from ${first} to ${last}, missing candles in red. ${gapWords(gaps)}`
  return `<figure>${drawn}<figcaption>${words}</figcaption></figure>`
}

const gapsShown = 12

function gapWords(gaps: DatasetManifest['gaps']): string {
  if (gaps.length === 0) return 'No candle is missing.'
  const some = gaps
    .slice(0, gapsShown)
    .map(({ from, to }) => `${minuteText(from)} to ${minuteText(to)}`)
  const rest = gaps.length > gapsShown ? ` and ${gaps.length - gapsShown} more` : ''
  return `${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'} (UTC): ${some.join('; ')}${rest}.`
}

function columnTable(columns: readonly ColumnProfile[]): string {
  const figures = ({ mean, deviation, quantiles, min, max, nulls }: ColumnProfile): string =>
    [...[mean, deviation, ...quantiles, min, max].map(number), count(nulls)]
      .map((it) => `<td class="n">${it}`)
      .join('')
  const rows = columns.map(
    (it) => `<tr><td>${text(it.name)}<td>${histogram(it.histogram)}${figures(it)}`,
  )
  const names = [
    'mean',
    'deviation',
    ...quantilesAt.map((q) => `${q * 100} %`),
    'least',
    'most',
    'absent',
  ]
  const heads = names.map((name) => `<th class="n">${name}`).join('')
  const head = `<thead><tr><th>column<th>1 to 99 %${heads}</thead>`
  return `<div class="scroll"><table>${head}<tbody>${rows.join('')}</tbody></table></div>`
}

function histogram(counts: readonly number[]): string {
  const most = Math.max(1, ...counts)
  const bars = counts.map((n, i) => {
    const height = (n / most) * 20
    return `<rect x="${i * 4}" y="${(20 - height).toFixed(1)}" width="3.5" height="${height.toFixed(1)}"/>`
  })
  return `<svg width="${counts.length * 4}" height="20" fill="var(--bar)">${bars.join('')}</svg>`
}

function number(value: number): string {
  const size = Math.abs(value)
  // The cosine of a quarter past is a rounding error away from nought.
  if (size < 1e-12) return '0'
  return size >= 1e5 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(3)))
}

function count(n: number): string {
  return n.toLocaleString('en-GB')
}

function text(words: string): string {
  return words.replace(/[&<>"]/g, (it) => `&#${it.charCodeAt(0)};`)
}
