/** The server's side of RFC 6455, as much as a stand-in needs: text out, text and pings in, and a line that can be cut. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

export interface Peer {
  readonly path: string
  send(text: string): void
  /** Ends without a word, as a broken line does. */
  cut(): void
}

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const opcode = { text: 1, close: 8, ping: 9, pong: 10 } as const

export function accept(
  request: IncomingMessage,
  socket: Duplex,
  hear: (text: string, peer: Peer) => void,
  gone: (peer: Peer) => void,
): Peer {
  const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`)
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${key.digest('base64')}\r\n\r\n`,
  )
  const peer: Peer = {
    path: request.url ?? '/',
    send: (text) => void (socket.writable && socket.write(frame(opcode.text, Buffer.from(text)))),
    cut: () => void socket.destroy(),
  }
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (let read = unframe(rest); read !== undefined; read = unframe(rest)) {
      rest = rest.subarray(read.bytes)
      if (read.opcode === opcode.text) hear(read.payload.toString(), peer)
      if (read.opcode === opcode.ping) socket.write(frame(opcode.pong, read.payload))
      if (read.opcode === opcode.close) socket.end(frame(opcode.close, read.payload))
    }
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => gone(peer))
  return peer
}

function frame(code: number, payload: Buffer): Buffer {
  const { length } = payload
  const header =
    length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  header[0] = 0x80 | code
  if (header.length === 2) header[1] = length
  else if (header.length === 4) {
    header[1] = 126
    header.writeUInt16BE(length, 2)
  } else {
    header[1] = 127
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([header, payload])
}

interface Read {
  readonly opcode: number
  readonly payload: Buffer
  readonly bytes: number
}

/** Clients mask what they send and, being ccxt, never send it in fragments or at lengths beyond 16 bits. */
function unframe(buffer: Buffer): Read | undefined {
  if (buffer.length < 6) return undefined
  const short = (buffer[1] as number) & 0x7f
  const at = short === 126 ? 4 : 2
  const length = short === 126 ? buffer.readUInt16BE(2) : short
  const bytes = at + 4 + length
  if (buffer.length < bytes) return undefined
  const mask = buffer.subarray(at, at + 4)
  const payload = Buffer.from(buffer.subarray(at + 4, bytes))
  for (let i = 0; i < length; i++) payload[i] = (payload[i] as number) ^ (mask[i % 4] as number)
  return { opcode: (buffer[0] as number) & 0x0f, payload, bytes }
}
