// The metrics of a process as a whole, whichever its roles: what its doors refused and took in, and
// how the servers and the disk are on which it stands. All of it is looked at when somebody asks;
// a server that does not answer is told as down, and delays nobody for longer than a moment.

import { statfs } from 'node:fs/promises'
import type { Bus } from '@hearth/bus/connect'
import { type BusHealth, watchHealth } from '@hearth/bus/health'
import type { DoorCounts } from '@hearth/invocation/door-counts'
import { connectLeases, type LeaseStore } from '@hearth/leases/connect'
import { lookAtValkey } from '@hearth/leases/health'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Config } from './config.ts'

export interface PlatformParts {
  config: Config
  version: string
  bus: Bus
  doors: DoorCounts
}

export interface PlatformMetrics {
  /** In Prometheus's text format. */
  text(): Promise<string>
  close(): Promise<void>
}

const MS_PER_SECOND = 1000

type Registers = [Registry]
/** Brings gauges up to date. */
type Look = () => Promise<void>

export function openPlatformMetrics({
  config,
  version,
  bus,
  doors,
}: PlatformParts): PlatformMetrics {
  const registers: Registers = [new Registry()]
  const { HEARTH_ROLES: roles } = config
  // A gateway has no use for Valkey.
  const usesValkey = roles.some((role) => role !== 'gateway')
  const valkey = usesValkey ? connectLeases(config.HEARTH_VALKEY_URL) : undefined
  addDoors(registers, doors)
  const looks = [
    addNats(registers, watchHealth(bus, config.HEARTH_NATS_MONITOR_URL)),
    ...(valkey ? [addValkey(registers, valkey)] : []),
    addDisk(registers, config.HEARTH_DATA_DIR),
  ]
  new Gauge({
    name: 'hearth_info',
    help: 'One for each process, with its version and its roles.',
    labelNames: ['version', 'roles'],
    registers,
  }).set({ version, roles: roles.join(',') }, 1)
  return {
    async text() {
      // First, because prom-client writes one metric down while another still looks.
      await Promise.all(looks.map((look) => look()))
      return registers[0].metrics()
    },
    close: async () => valkey?.close(),
  }
}

function addDoors(registers: Registers, doors: DoorCounts): void {
  new Counter({
    name: 'lambda_throttles_total',
    help: 'Invocations that were refused, by who asked and by the reason that AWS gives.',
    labelNames: ['function', 'type', 'reason'],
    registers,
    collect() {
      this.reset()
      for (const { functionName, kind, reason, count } of doors.throttles(performance.now())) {
        this.inc({ function: functionName, type: kind, reason }, count)
      }
    },
  })
  new Counter({
    name: 'lambda_async_events_received_total',
    help: 'Asynchronous events that were accepted.',
    labelNames: ['function'],
    registers,
    collect() {
      this.reset()
      for (const { functionName, count } of doors.events(performance.now())) {
        this.inc({ function: functionName }, count)
      }
    },
  })
}

function addNats(registers: Registers, nats: BusHealth): Look {
  const [up, roundTrip, bytes, bytesMax] = [
    gauge(registers, 'hearth_nats_up', 'Whether NATS answers.'),
    gauge(registers, 'hearth_nats_round_trip_seconds', 'Time of a round trip to NATS.'),
    gauge(registers, 'hearth_nats_storage_bytes', "What JetStream has on the server's disk."),
    gauge(registers, 'hearth_nats_storage_limit_bytes', 'What JetStream may have there.'),
  ]
  const [streamMessages, streamBytes, streamBytesMax] = [
    byStream(registers, 'hearth_nats_stream_messages', 'Messages of a stream.'),
    byStream(registers, 'hearth_nats_stream_bytes', 'Bytes of a stream on the disk.'),
    byStream(registers, 'hearth_nats_stream_limit_bytes', 'Bytes that a stream may have.'),
  ]
  return async () => {
    const [took, storage, streams] = await Promise.all([
      nats.roundTrip(),
      nats.storage(),
      nats.streams(),
    ])
    up.set(took === undefined ? 0 : 1)
    show(roundTrip, took === undefined ? undefined : took / MS_PER_SECOND)
    show(bytes, storage?.bytes)
    show(bytesMax, storage?.bytesMax)
    for (const one of [streamMessages, streamBytes, streamBytesMax]) one.reset()
    for (const { name: stream, ...one } of streams) {
      streamMessages.set({ stream }, one.messages)
      streamBytes.set({ stream }, one.bytes)
      if (one.bytesMax !== undefined) streamBytesMax.set({ stream }, one.bytesMax)
    }
  }
}

function addValkey(registers: Registers, store: LeaseStore): Look {
  const [up, roundTrip, bytes, bytesMax] = [
    gauge(registers, 'hearth_valkey_up', 'Whether Valkey answers.'),
    gauge(registers, 'hearth_valkey_round_trip_seconds', 'Time of a round trip to Valkey.'),
    gauge(registers, 'hearth_valkey_memory_bytes', 'Memory that Valkey uses.'),
    gauge(registers, 'hearth_valkey_memory_limit_bytes', 'Memory that Valkey may use.'),
  ]
  return async () => {
    const found = await lookAtValkey(store)
    up.set(found ? 1 : 0)
    show(roundTrip, found && found.roundTripMs / MS_PER_SECOND)
    show(bytes, found?.bytes)
    show(bytesMax, found?.bytesMax)
  }
}

function addDisk(registers: Registers, directory: string): Look {
  const [size, free] = [
    gauge(registers, 'hearth_disk_size_bytes', "Size of the disk of Hearth's data."),
    gauge(registers, 'hearth_disk_free_bytes', "What is free on the disk of Hearth's data."),
  ]
  return async () => {
    const found = await statfs(directory).catch(() => undefined)
    show(size, found && found.blocks * found.bsize)
    show(free, found && found.bavail * found.bsize)
  }
}

/** What nobody knows is not told; a zero would be a lie. */
function show(one: Gauge, value: number | undefined): void {
  if (value === undefined) one.remove()
  else one.set(value)
}

const gauge = (registers: Registers, name: string, help: string) =>
  new Gauge({ name, help, registers })

const byStream = (registers: Registers, name: string, help: string) =>
  new Gauge({ name, help, labelNames: ['stream'], registers })
