// The power goes while events are accepted: whatever was answered with 202 must be on what the disk
// had at that moment. NATS runs on a disk of its own, which is copied at the cut; another NATS
// starts on the copy. A NATS that acknowledges first and writes later proves that the cut is one.

import { join } from 'node:path'
import { eventually, startHearth } from '../hearth.ts'
import { startAccepting, waitingEvents } from './accepting.ts'
import { type Figure, none } from './figure.ts'
import { makeDisk, makeRig, startNatsOnDisk } from './nats-on-disk.ts'

const DISK_MB = 512
/** So many must have been accepted before, lest the cut prove nothing. */
const ACCEPTED_MIN = 200
const ACCEPTED_MS_MAX = 60_000
const FUNCTION = { 'index.mjs': 'export const handler = async () => {}' }

export async function cutPower(tell: (doing: string) => void): Promise<Figure[]> {
  const kept = await cut(tell, { isLazy: false })
  tell('once more, with a NATS that writes later than it acknowledges')
  const lazy = await cut(tell, { isLazy: true })
  return [
    { what: 'accepted before the power cut', found: kept.accepted, least: ACCEPTED_MIN },
    none('lost in the power cut', kept.lost),
    {
      what: 'lost in the same cut without sync_interval: always',
      found: lazy.lost.length,
      least: 1,
      note: `of ${lazy.accepted}; it shows that the cut is one`,
    },
  ]
}

async function cut(tell: (doing: string) => void, how: { isLazy: boolean }) {
  const rig = await makeRig()
  const disk = join(rig.path, 'disk')
  await makeDisk(disk, DISK_MB)
  const nats = await startNatsOnDisk(rig.path, disk, how)
  const hearth = await startHearth({
    roles: 'gateway',
    env: {
      HEARTH_NATS_URL: nats.url,
      HEARTH_NATS_MONITOR_URL: nats.monitorUrl,
      HEARTH_ALLOW_UNSAFE_NATS: how.isLazy ? '1' : '0',
    },
  })
  try {
    const functionName = await hearth.create({ files: FUNCTION })
    const accepting = startAccepting(hearth.lambda, { functionName, clients: 16, bytes: 500 })
    const { accepted } = accepting
    const enough = () => accepted.size >= ACCEPTED_MIN
    tell('events are accepted')
    await eventually(`${ACCEPTED_MIN} events are accepted`, enough, ACCEPTED_MS_MAX)
    tell('the power goes')
    const copy = join(rig.path, 'disk-after-the-cut')
    await nats.cutPower(copy)
    await hearth.main.kill()
    await accepting.end()
    await nats.stop()
    tell('NATS starts on what the disk had')
    const after = await startNatsOnDisk(rig.path, copy, how)
    const found = await waitingEvents(after).finally(after.stop)
    return { accepted: accepted.size, lost: [...accepted].filter((id) => !found.has(id)) }
  } finally {
    await hearth.stop()
    await nats.stop().catch(() => {})
    await rig.remove()
  }
}
