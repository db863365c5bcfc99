// `hearth top`: live execution environments by function and state. On a terminal it is redrawn
// every second until q or ctrl-C; anywhere else, with --once or as JSON it is one snapshot.

import type { Environments } from '@hearth/gateway'
import { type ClientOptions, endpointOf, fetchNative } from './client.ts'
import { type Format, show } from './output.ts'
import type { Sort } from './platform-commands.ts'
import { renderEnvironments } from './top-view.ts'
import { watch } from './watched.ts'

export interface TopOptions extends ClientOptions {
  output: Format
  once?: boolean
  sort: Sort
}

const EVERY_MS = 1_000

export async function top(options: TopOptions): Promise<void> {
  const ask = () => fetchNative<Environments>(options, '/hearth/environments')
  // The first question is answered, or refused, as any command's.
  const found = await ask()
  if (options.output === 'table' && !options.once && process.stdout.isTTY) {
    return watch({
      endpoint: endpointOf(options),
      first: found,
      ask,
      render: (one, columns) => renderEnvironments(one, options.sort, columns),
      everyMs: EVERY_MS,
    })
  }
  show(options.output, found, () => renderEnvironments(found, options.sort).join('\n'))
}
