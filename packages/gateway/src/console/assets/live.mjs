// What the console's pages do by themselves in a browser: parts marked data-live are read anew, the
// log follows, and the editor says whether its event is JSON. Everything else works without this.
// Text only ever becomes text here; markup comes from this gateway's own pages alone.

const AGAIN_MS = 5_000
const RECONNECT_MS = 3_000
/** A page that nobody looks at for so long keeps no connection: browsers have few for one server. */
const UNSEEN_MS = 60_000
const LINES_MAX = 2_000
/** So near its end a log is followed; whoever has scrolled up reads in peace. */
const NEAR_PX = 60

keepLive()
followLog()
watchEditor()

/** The page is asked for again, and its live parts take the place of those that are shown. */
function keepLive() {
  if (!document.querySelector('[data-live]')) return
  setInterval(async () => {
    if (document.hidden) return
    const answer = await fetch(location.href).catch(() => undefined)
    if (answer?.redirected) return location.reload()
    if (!answer?.ok) return
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    for (const old of document.querySelectorAll('[data-live]')) {
      const fresh = page.getElementById(old.id)
      if (fresh && !isInUse(old)) old.replaceWith(document.adoptNode(fresh))
    }
  }, AGAIN_MS)
}

/** Nobody's selection, focus or unfolded part is taken away. */
function isInUse(element) {
  const selection = getSelection()
  const isSelected = selection?.type === 'Range' && element.contains(selection.anchorNode)
  return isSelected || element.matches(':focus-within, :has(details[open])')
}

function followLog() {
  const log = document.querySelector('[data-log]')
  if (!log) return
  const state = document.querySelector('[data-log-state]')
  const say = (text) => {
    if (state && state.textContent !== text) state.textContent = text
  }
  log.scrollTop = log.scrollHeight
  let source
  let unseen
  document.addEventListener('visibilitychange', () => {
    clearTimeout(unseen)
    if (document.hidden) unseen = setTimeout(() => source.close(), UNSEEN_MS)
    else if (source.readyState === EventSource.CLOSED) location.reload()
  })
  const open = () => {
    source = new EventSource(log.dataset.log)
    source.onopen = () => say('Live')
    source.onmessage = ({ data }) => {
      const { lines, isSampled } = JSON.parse(data)
      document.querySelector('[data-log-empty]')?.remove()
      addLines(log, lines)
      say(isSampled ? 'Live; more came than can be shown' : 'Live')
    }
    source.onerror = () => {
      source.close()
      say('Waiting for the log…')
      if (!document.hidden) setTimeout(open, RECONNECT_MS)
    }
  }
  open()
}

function addLines(log, lines) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX
  for (const [time, message] of lines) {
    const line = document.createElement('p')
    line.append(element('time', time), element('span', message.trimEnd()))
    log.append(line)
  }
  while (log.childElementCount > LINES_MAX) log.firstElementChild.remove()
  if (isAtEnd) log.scrollTop = log.scrollHeight
}

function element(name, text) {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

function watchEditor() {
  const form = document.querySelector('[data-editor]')
  const editor = form?.querySelector('textarea')
  const state = form?.querySelector('[role=status]')
  if (!editor || !state) return
  const judge = () => {
    const fault = faultOf(editor.value)
    editor.setAttribute('aria-invalid', String(fault !== undefined))
    state.textContent = fault ? `Not JSON: ${fault}` : 'JSON. Ctrl and Enter sends it.'
  }
  editor.addEventListener('input', judge)
  editor.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit()
  })
  judge()
}

function faultOf(text) {
  try {
    if (text.trim() !== '') JSON.parse(text)
    return undefined
  } catch (error) {
    return error.message
  }
}
