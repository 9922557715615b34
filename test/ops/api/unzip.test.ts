import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { unzip } from '../../../ops/api/unzip.ts'

interface Entry {
  readonly name: string
  readonly bytes: Uint8Array
  readonly deflated?: boolean
  /** A size that it claims and does not have. */
  readonly claims?: number
  readonly crc?: number
}

/** As `zip` writes it: local headers with their bytes, the central directory, its end. */
function zip(entries: readonly Entry[], comment = ''): Uint8Array {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, bytes, deflated = false, claims, crc } of entries) {
    const packed = deflated ? deflateRawSync(bytes) : Buffer.from(bytes)
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0)
    shared.writeUInt16LE(deflated ? 8 : 0, 4)
    shared.writeUInt32LE(crc ?? crc32(bytes), 10)
    shared.writeUInt32LE(packed.length, 14)
    shared.writeUInt32LE(claims ?? bytes.length, 18)
    shared.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04', 'latin1'),
      shared,
      Buffer.from(name),
      packed,
    ])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    const made = Buffer.from('PK\x01\x02\x14\x00', 'latin1')
    directory.push(Buffer.concat([made, shared, rest, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const size = directory.reduce((sum, it) => sum + it.length, 0)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(size, 8)
  end.writeUInt32LE(offset, 12)
  end.writeUInt16LE(comment.length, 16)
  return new Uint8Array(
    Buffer.concat([
      ...locals,
      ...directory,
      Buffer.from('PK\x05\x06', 'latin1'),
      end,
      Buffer.from(comment),
    ]),
  )
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('stored and deflated files come out as they went in, folders and a comment are passed over', () => {
  const files = unzip(
    zip(
      [
        { name: 'model/', bytes: bytes('') },
        { name: 'model/manifest.json', bytes: bytes('{}') },
        { name: 'model/model.onnx', bytes: bytes('x'.repeat(5_000)), deflated: true },
      ],
      'made by hand',
    ),
  )
  assert.deepEqual([...files.keys()], ['model/manifest.json', 'model/model.onnx'])
  assert.deepEqual(files.get('model/manifest.json'), bytes('{}'))
  assert.equal(files.get('model/model.onnx')?.length, 5_000)
})

const refused: readonly [string, Uint8Array, string][] = [
  ['no archive', bytes('hello'), 'artifact.zip'],
  ['nothing', new Uint8Array(0), 'artifact.zip'],
  ['an archive cut short', zip([{ name: 'a', bytes: bytes('abc') }]).subarray(4), 'artifact.zip'],
  ['a wrong sum', zip([{ name: 'a', bytes: bytes('abc'), crc: 1 }]), 'artifact.zip'],
  [
    'more than it says',
    zip([{ name: 'a', bytes: bytes('a'.repeat(9_999)), deflated: true, claims: 5 }]),
    'artifact.zip',
  ],
  [
    'more than may be unpacked',
    zip([{ name: 'a', bytes: bytes('abc'), deflated: true, claims: 2 ** 31 }]),
    'artifact.too_large',
  ],
]
for (const [what, archive, code] of refused)
  test(`${what} is refused`, () => {
    assert.throws(() => unzip(archive), { code })
  })

test('whatever is sent, it is files or a refusal', () => {
  const whole = zip([{ name: 'a', bytes: bytes('abc'), deflated: true }])
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const changed = whole.slice()
      changed[at] = byte
      try {
        unzip(changed)
      } catch (error) {
        assert.match((error as { code?: string }).code ?? String(error), /^artifact\./)
      }
    }),
  )
})
