// Reads an MCAP file twice, by its index and from its first byte on, with every checksum compared, and prints as JSON
// what was found. Any fault ends it with a message and exit code 1. Usage: node bundle.mjs FILE
import { readFileSync } from 'node:fs'
import { McapIndexedReader, McapStreamReader } from '@mcap/core'
import { decompress } from 'fzstd'

const data = new Uint8Array(readFileSync(process.argv[2]))
const decompressHandlers = { zstd: (packed, size) => decompress(packed, new Uint8Array(Number(size))) }
const readable = {
  size: async () => BigInt(data.byteLength),
  read: async (offset, size) => data.slice(Number(offset), Number(offset + size)),
}
const decoder = new TextDecoder()

const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers })
const indexed = {}
let last = 0n
for await (const message of reader.readMessages({ validateCrcs: true })) {
  const { topic } = reader.channelsById.get(message.channelId)
  if (message.logTime < last) throw new Error(`${topic}: the times go back to ${message.logTime}`)
  last = message.logTime
  JSON.parse(decoder.decode(message.data))
  indexed[topic] = (indexed[topic] ?? 0) + 1
}

const stream = new McapStreamReader({ validateCrcs: true, decompressHandlers })
stream.append(data)
const kinds = {}
for (let record; (record = stream.nextRecord()) != undefined; ) kinds[record.type] = (kinds[record.type] ?? 0) + 1
if (!stream.done()) throw new Error('the file ends too early')

const channels = [...reader.channelsById.values()].map((channel) => {
  const schema = reader.schemasById.get(channel.schemaId)
  const { name, encoding } = schema
  return { topic: channel.topic, encoding: channel.messageEncoding, schema: { name, encoding, body: JSON.parse(decoder.decode(schema.data)) } }
})
const { messageCount, chunkCount, messageStartTime, messageEndTime } = reader.statistics
process.stdout.write(
  JSON.stringify({
    header: reader.header,
    channels,
    indexed,
    kinds,
    chunks: reader.chunkIndexes.map((chunk) => ({
      compression: chunk.compression,
      indexed: chunk.messageIndexOffsets.size,
    })),
    statistics: {
      messages: Number(messageCount),
      chunks: chunkCount,
      start: Number(messageStartTime),
      end: Number(messageEndTime),
    },
  }),
)
