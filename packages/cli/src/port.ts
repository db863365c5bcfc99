// The port that `hearth up` publishes: whether it is free, or already this project's own. It only
// looks, and leaves the port as it found it.

import { createServer } from 'node:net'
import { composeContainers } from './compose.ts'

/** Whether nobody listens there. A port that only Docker may open counts as free. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Whether a container of this project has published it. */
export async function publishes(port: number): Promise<boolean> {
  const containers = await composeContainers()
  return containers.some(({ Publishers }) =>
    Publishers?.some(({ PublishedPort }) => PublishedPort === port),
  )
}
