// The extensions of one runtime process's life, and their states as Lambda has them: who is
// registered for what, who waits for an event, who has one. It speaks AWS's refusals, tells its
// listener of each change, and starts and ends nothing.

import { randomUUID } from 'node:crypto'

export type ExtensionEventType = 'INVOKE' | 'SHUTDOWN'

/** What an extension is given for `event/next`. */
export interface ExtensionEvent {
  eventType: ExtensionEventType
  deadlineMs: number
  [member: string]: unknown
}

/** Why something may not be; always a 403. */
export interface Refusal {
  errorType: string
  errorMessage: string
}

/** From each state, those that may follow; the names are AWS's. */
const TRANSITIONS = {
  Started: ['Registered', 'LaunchError', 'Exited'],
  Registered: ['Ready', 'InitError', 'ExitError', 'Exited'],
  /** Waits for an event. */
  Ready: ['Running', 'ExitError', 'Exited'],
  /** Has one. */
  Running: ['Ready', 'ExitError', 'Exited'],
  InitError: ['Exited'],
  ExitError: ['Exited'],
  LaunchError: [],
  Exited: [],
} as const satisfies Record<string, readonly string[]>

type StateName = keyof typeof TRANSITIONS

export interface Extension {
  readonly id: string
  readonly name: string
  readonly isExternal: boolean
  state: StateName
  events: readonly ExtensionEventType[]
  /** What it said of its failure. */
  errorType?: string
  /** Who waits for its next event. */
  wait?: (event: ExtensionEvent) => void
}

/** Lambda's limit for external and internal extensions together. */
const EXTENSIONS_MAX = 10
const NOT_ALLOWED = 'State transition is not allowed'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export class Extensions {
  readonly #all: Extension[] = []
  readonly #changed: () => void
  #isClosed = false
  #shutdown: ExtensionEvent | undefined

  /** @param names those of the external ones, which are started, in their order */
  constructor(names: readonly string[], changed: () => void) {
    this.#changed = changed
    for (const name of names) this.#add(name, true)
  }

  get all(): readonly Extension[] {
    return this.#all
  }

  /** Whether every external one has registered, so that the runtime may start. */
  get areRegistered(): boolean {
    return this.#all.every(({ state }) => state !== 'Started')
  }

  /** Whether every one waits for an event, so that nothing of theirs is at work. */
  get areReady(): boolean {
    return this.#all.every(({ state }) => state === 'Ready')
  }

  /** External ones that cannot be held: there are too many. */
  get surplus(): readonly Extension[] {
    return this.#all.slice(EXTENSIONS_MAX)
  }

  find(name: string): Extension | undefined {
    return this.#all.find((one) => one.name === name)
  }

  /** No more may register: the runtime has asked for work. */
  close(): void {
    this.#isClosed = true
  }

  register(name: string, events: readonly string[]): Extension | Refusal {
    if (name === '') return refusal('InvalidExtensionName', 'Empty extension name')
    const known = this.#all.find((one) => one.isExternal && one.name === name)
    const allowed = known ? ['INVOKE', 'SHUTDOWN'] : ['INVOKE']
    const wrong = events.find((event) => !allowed.includes(event))
    if (wrong !== undefined) {
      const words =
        wrong === 'SHUTDOWN'
          ? 'ShutdownEventNotSupportedForInternalExtension'
          : 'ErrorInvalidEventType'
      return refusal('InvalidEventType', `${wrong}: ${words}`)
    }
    const extension = known ?? this.#addInternal(name)
    if (isRefusal(extension)) return extension
    const refused = this.#move(extension, 'Registered', name)
    if (refused) return refused
    extension.events = [...new Set(events)] as ExtensionEventType[]
    this.#changed()
    return extension
  }

  /** It waits for its next event. */
  next(id: string, wait: (event: ExtensionEvent) => void): Refusal | undefined {
    const found = this.#byId(id, `Unknown extension ${id}`)
    if (isRefusal(found)) return found
    const refused = this.#move(found, 'Ready')
    if (refused) return refused
    found.wait = wait
    if (this.#shutdown) this.give(this.#shutdown)
    else this.#changed()
    return undefined
  }

  /** It says that it cannot go on; its process is to end now. */
  fail(id: string, state: 'ExitError' | 'InitError', errorType: string): Refusal | undefined {
    const found = this.#byId(id, 'Unknown Lambda-Extension-Identifier')
    if (isRefusal(found)) return found
    if (errorType === '') {
      return refusal('MissingHeader', 'Lambda-Extension-Function-Error-Type not found')
    }
    const refused = this.#move(found, state)
    if (refused) return refused
    found.errorType = errorType
    this.#changed()
    return undefined
  }

  /** Its process has ended, or never began. */
  ended(extension: Extension, state: 'Exited' | 'LaunchError'): void {
    if (!may(extension.state, state)) return
    extension.state = state
    delete extension.wait
    this.#changed()
  }

  /** Gives an event to each that waits and wants it. @returns who got it. */
  give(event: ExtensionEvent): Extension[] {
    const wanting = this.#all.filter(
      ({ state, events }) => state === 'Ready' && events.includes(event.eventType),
    )
    for (const extension of wanting) {
      const { wait } = extension
      extension.state = 'Running'
      delete extension.wait
      wait?.(event)
    }
    return wanting
  }

  /** The last event of all: who is at work gets it when it asks for more. */
  shutDown(event: ExtensionEvent): void {
    this.#shutdown = event
    this.give(event)
  }

  /** Who asks, by the identifier that it was given. */
  identify(id: string | undefined): Extension | Refusal {
    if (!id) {
      return refusal('MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header')
    }
    if (!UUID.test(id)) {
      return refusal('InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier')
    }
    return this.#byId(id, `Unknown extension ${id}`)
  }

  #byId(id: string, otherwise: string): Extension | Refusal {
    const found = this.#all.find((one) => one.id === id.toLowerCase())
    return found ?? refusal('UnknownExtensionIdentifier', otherwise)
  }

  #addInternal(name: string): Extension | Refusal {
    if (this.#isClosed) {
      return refusal('RegistrationClosed', 'Extension registration closed already')
    }
    if (this.find(name)) {
      return refusal('InvalidExtensionState', 'Extension with this name already registered')
    }
    if (this.#all.length >= EXTENSIONS_MAX) {
      return refusal('TooManyExtensions', `Extension limit (${EXTENSIONS_MAX}) reached`)
    }
    return this.#add(name, false)
  }

  #add(name: string, isExternal: boolean): Extension {
    const extension: Extension = {
      id: randomUUID(),
      name,
      isExternal,
      state: 'Started',
      events: [],
    }
    this.#all.push(extension)
    return extension
  }

  #move(extension: Extension, to: StateName, as = extension.id): Refusal | undefined {
    const from = extension.state
    if (may(from, to)) {
      extension.state = to
      return undefined
    }
    const what = `State transition from ${from} to ${to} failed for extension ${as}`
    return refusal('InvalidExtensionState', `${what}. Error: ${NOT_ALLOWED}`)
  }
}

function may(from: StateName, to: StateName): boolean {
  const allowed: readonly StateName[] = TRANSITIONS[from]
  return allowed.includes(to)
}

const refusal = (errorType: string, errorMessage: string): Refusal => ({
  errorType: `Extension.${errorType}`,
  errorMessage,
})

/** Whether an answer of the registry's is a refusal. */
export function isRefusal(answer: Extension | Refusal | undefined): answer is Refusal {
  return answer !== undefined && 'errorMessage' in answer
}
