// The disk of NATS fills up while events are accepted: none may be answered with 202 that is not
// kept, and once there is room again events are accepted again. A NATS that does not come back by
// itself is restarted, as an operator must.

import { join } from 'node:path'
import { eventually, startHearth } from '../hearth.ts'
import { type Accepting, startAccepting, waitingEvents } from './accepting.ts'
import { type Figure, none } from './figure.ts'
import { makeDisk, makeRig, type NatsOnDisk, startNatsOnDisk } from './nats-on-disk.ts'

const DISK_MB = 96
const EVENT_BYTES = 20_000
const ACCEPTED_MIN = 50
const ACCEPTED_MS_MAX = 60_000
/** A gateway gives up a store after some seconds, three times. */
const REFUSED_MS_MAX = 90_000
const BY_ITSELF_MS = 10_000
const RECOVERED_MS_MAX = 60_000
const FUNCTION = { 'index.mjs': 'export const handler = async () => {}' }
/** Everything that is free, to the last block. */
const FILL = 'dd if=/dev/zero of=/data/ballast bs=64k 2>/dev/null; sync -f /data; true'

export async function fillDisk(tell: (doing: string) => void): Promise<Figure[]> {
  const rig = await makeRig()
  const disk = join(rig.path, 'disk')
  await makeDisk(disk, DISK_MB)
  const nats = await startNatsOnDisk(rig.path, disk)
  const env = { HEARTH_NATS_URL: nats.url, HEARTH_NATS_MONITOR_URL: nats.monitorUrl }
  const hearth = await startHearth({ roles: 'gateway', env })
  try {
    const functionName = await hearth.create({ files: FUNCTION })
    const load = { functionName, clients: 8, bytes: EVENT_BYTES }
    const accepting = startAccepting(hearth.lambda, load)
    const { accepted, failed } = accepting
    await eventually('events are accepted', () => accepted.size >= ACCEPTED_MIN, ACCEPTED_MS_MAX)
    tell(`${accepted.size} events accepted; filling the disk`)
    await nats.run(FILL)
    await eventually('events are refused', () => failed() > 0, REFUSED_MS_MAX)
    const whenFull = accepted.size
    tell(`full: ${whenFull} events accepted; making room`)
    await nats.run('rm /data/ballast && sync -f /data')
    const recovery = await recover(nats, accepting)
    await accepting.end()
    tell(`${accepted.size} events accepted; looking for each`)
    const found = await waitingEvents(nats)
    return [
      { what: 'accepted before the disk was full', found: whenFull, least: ACCEPTED_MIN },
      { what: 'refused while it was full', found: failed(), least: 1 },
      none(
        'accepted and not kept',
        [...accepted].filter((id) => !found.has(id)),
      ),
      recovery,
    ]
  } finally {
    await hearth.stop()
    await nats.stop()
    await rig.remove()
  }
}

/** How long after there was room it took until an event was accepted again. */
async function recover(nats: NatsOnDisk, { accepted }: Accepting): Promise<Figure> {
  const freedAt = performance.now()
  const before = accepted.size
  const isBack = () => accepted.size > before
  let note = 'by itself'
  await eventually('NATS takes events again', isBack, BY_ITSELF_MS).catch(async () => {
    note = 'NATS was restarted'
    await nats.restart()
    await eventually('NATS takes events again', isBack, RECOVERED_MS_MAX).catch(() => {
      note = 'not at all'
    })
  })
  const found = Math.round((performance.now() - freedAt) / 1000)
  return { what: 'seconds from free space to the next 202', found, allowed: 60, note }
}
