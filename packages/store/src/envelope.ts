// Secrets at rest: what must not lie readable in a record is sealed with AES-256-GCM under a key
// that is derived from the master key, which is a file and never leaves the host by way of NATS.
// What is sealed names the key it was sealed with, and opens only for the same purpose.

import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { linkDurably, unlessAbsent } from './durable-files.ts'

export interface Envelope {
  /** @param purpose names whose secret it is; another purpose cannot open it. */
  seal(text: string, purpose: string): string
  /** @throws Error when it was sealed under another key or for another purpose, or was changed. */
  open(sealed: string, purpose: string): string
}

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const ALGORITHM = 'aes-256-gcm'
const KEY_LINE = /^[0-9a-f]{64}$/
const DERIVATION = 'hearth envelope 1'

/**
 * Reads the master key, and makes one where there is none yet. The file has a key of 64 hex digits
 * a line: the first seals, each opens, so that keys can be changed.
 * @throws Error for a file that holds anything else.
 */
export async function openEnvelope(path: string): Promise<Envelope> {
  const text = await readKeys(path)
  const lines = text.split('\n').filter((line) => line !== '')
  if (lines.length === 0 || !lines.every((line) => KEY_LINE.test(line))) {
    throw new Error(`${path} does not hold master keys: 64 hex digits a line.`)
  }
  return createEnvelope(lines.map((line) => Buffer.from(line, 'hex')))
}

/** @param masters of 32 bytes each; the first seals, each opens. */
export function createEnvelope(masters: readonly Uint8Array[]): Envelope {
  const keys = masters.map((master) => ({
    id: hash('sha256', Buffer.concat([Buffer.from(`${DERIVATION} id`), master])).slice(0, 8),
    bytes: Buffer.from(hkdfSync('sha256', master, '', DERIVATION, KEY_BYTES)),
  }))
  return {
    seal(text, purpose) {
      const [key] = keys
      if (!key) throw new Error('There is no master key to seal with.')
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, key.bytes, nonce).setAAD(Buffer.from(purpose))
      const bytes = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final()])
      return `${key.id}.${Buffer.concat([bytes, cipher.getAuthTag()]).toString('base64url')}`
    },

    open(sealed, purpose) {
      const [id = '', encoded = ''] = sealed.split('.', 2)
      const key = keys.find((one) => one.id === id)
      if (!key) throw new Error(`This was sealed with master key ${id}, which is not here.`)
      const bytes = Buffer.from(encoded, 'base64url')
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('This is no sealed secret.')
      const decipher = createDecipheriv(ALGORITHM, key.bytes, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(-TAG_BYTES))
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
      return Buffer.concat([text, decipher.final()]).toString('utf8')
    },
  }
}

/** Several processes may start at once: one of them names the file, whole, and all read that. */
async function readKeys(path: string): Promise<string> {
  const known = await readFile(path, 'utf8').catch(unlessAbsent)
  if (known !== undefined) return known
  await mkdir(dirname(path), { recursive: true })
  const beside = `${path}.${randomBytes(8).toString('hex')}`
  const made = `${randomBytes(KEY_BYTES).toString('hex')}\n`
  await writeFile(beside, made, { mode: 0o600, flag: 'wx', flush: true })
  // What a key has sealed may be on NATS's disk at once, so the key's name must be on ours before.
  await linkDurably(beside, path).finally(() => rm(beside))
  return readFile(path, 'utf8')
}
