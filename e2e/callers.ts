// What tests of identity share: users' keys that the operator makes, clients and signers that use
// them, and the words in which they are refused.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sha256 } from '@aws-crypto/sha256-js'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect } from 'vitest'
import { type Hearth, KEYS, MAIN, NODE } from './hearth.ts'

export interface Key {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface Ran {
  code: number
  out: string
  err: string
}

/** Programs that call one Hearth, and keys for them. */
export interface Callers {
  /** Programs run here. */
  folder: string
  run(program: string, args: string[], key?: Key): Promise<Ran>
  /** The `hearth` command. */
  command(args: string[], key?: Key): Promise<Ran>
  createKey(name: string, policy: object): Promise<Key>
  clientOf(key: Key): LambdaClient
  close(): Promise<void>
}

export const ACCOUNT = '000000000000'
export const arnOf = (name: string) => `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${name}`

export const allow = (Action: string | string[], Resource = '*') => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource }],
})

export const denied = (who: string, action: string, resource: string) => ({
  name: 'AccessDeniedException',
  message:
    `User: ${who} is not authorized to perform: ${action} on resource: ${resource} ` +
    `because no identity-based policy allows the ${action} action`,
})

export const invoke = (FunctionName: string) =>
  new InvokeCommand({ FunctionName, Payload: '{"a":1}' })

export const signerOf = (credentials: Key, service = 'lambda') =>
  new SignatureV4({ credentials, region: 'us-east-1', service, sha256: Sha256 })

export async function openCallers({ endpoint }: Hearth): Promise<Callers> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-callers-'))
  const run = (program: string, args: string[], key: Key = KEYS) => {
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      ...(key.sessionToken && { AWS_SESSION_TOKEN: key.sessionToken }),
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_PAGER: '',
      AWS_ENDPOINT_URL_LAMBDA: endpoint,
    }
    return new Promise<Ran>((resolve) => {
      execFile(program, args, { env, cwd: folder }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      )
    })
  }
  const command = (args: string[], key?: Key) => run(NODE, [MAIN, ...args], key)
  return {
    folder,
    run,
    command,
    async createKey(name, policy) {
      const path = join(folder, `${name}.json`)
      await writeFile(path, JSON.stringify(policy))
      const asked = ['keys', 'create', '--name', name, '--policy', path, '-o', 'json']
      const made = await command(asked)
      expect(made.err).toBe('')
      return JSON.parse(made.out) as Key
    },
    clientOf: (credentials) =>
      new LambdaClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}
