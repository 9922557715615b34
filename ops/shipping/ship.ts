/**
 * Makes the first version of each family that ships with Starling, from candle files that stay where they are:
 * `node ops/launch.mjs --node ops/shipping/ship.ts --data DIR BTC/USD=btc.csv.gz ETH/USD=eth.csv.gz [family …]`. Trained on
 * the oldest 70 %, stopped by the next 10 %, judged on the newest 20 %, which nothing has seen.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Family, families } from '../../models/family.ts'
import { gateDefaults, judge } from '../../models/judging/gate.ts'
import { score } from '../../models/scores/score.ts'
import { chronological } from '../../models/split.ts'
import { seal } from '../../models/training/seal.ts'
import { readArguments } from './arguments.ts'
import { type CardMetrics, cardOf } from './card.ts'
import { datasetOf, type Market, make, type Question, readMarket, stretchOf } from './workbench.ts'

const shares = { validate: 0.1, test: 0.2 }
const seed = 1

async function ship(family: Family, markets: readonly Market[], data: string): Promise<void> {
  const question: Question = { family, label: family.label, horizon: family.horizon }
  const folder = join(data, 'shipping', family.name)
  const datasets = []
  for (const market of markets)
    datasets.push(await datasetOf(market, question, join(folder, 'datasets')))
  const splits = markets.map((market) => chronological(stretchOf(market, question), shares))
  const log = (line: string): void => void process.stderr.write(`${family.name}: ${line}\n`)
  const made = await make(question, {
    data,
    folder: join(folder, 'work'),
    datasets,
    splits,
    seed,
    threads: 2,
    log,
  })
  const worth = made.sheets.map((sheet, i) => ({
    coin: markets[i]?.coin,
    verdict: judge(sheet, null, gateDefaults),
    scores: score(sheet.days, made.trained.frequencies),
  }))
  const out = join(family.folder, 'v1')
  const manifests = datasets.map((it) => it.manifest)
  const { request, trained } = made
  await rm(out, { recursive: true, force: true })
  const manifest = await seal(
    { request, trained, datasets: manifests, coin: '*', scores: worth },
    join(folder, 'sealed'),
  )
  await cp(join(folder, 'sealed'), out, { recursive: true })
  const metrics = JSON.parse(await readFile(join(out, 'metrics.json'), 'utf8')) as CardMetrics
  await writeFile(join(family.folder, 'README.md'), cardOf(family, manifest, metrics))
  process.stdout.write(
    `${family.name}: ${worth.map(({ coin, verdict }) => `${coin} ${verdict.verdict}`).join(', ')}\n`,
  )
}

const { data, markets: files, names } = readArguments(process.argv.slice(2))
const markets = await Promise.all(files.map(({ coin, path }) => readMarket(coin, path)))
for (const family of families().filter(({ name }) => names.length === 0 || names.includes(name)))
  await ship(family, markets, data)
