// SnapStart in a Node.js runtime: compiled modules are read from the version's cache, or left in it
// by the run that fills it; then the runtime waits as a snapshot, between the hooks that functions
// may register. AWS has no SnapStart for Node.js; this is Hearth's own.
'use strict'
const fs = require('node:fs')
const Module = require('node:module')

const hooks = { beforeSnapshot: [], afterRestore: [] }

/** `awslambda.snapStart.beforeSnapshot(hook)` and `.afterRestore(hook)`; hooks may be async. */
function install(awslambda) {
  awslambda.snapStart = {
    beforeSnapshot: (hook) => void hooks.beforeSnapshot.unshift(hook),
    afterRestore: (hook) => void hooks.afterRestore.push(hook),
  }
}

/** Before the function is loaded. @returns what this run is for. */
function prepare(env) {
  const { HEARTH_CACHE: cache, HEARTH_SNAPSHOT: purpose } = env
  delete env.HEARTH_CACHE
  delete env.HEARTH_SNAPSHOT
  if (cache && fs.existsSync(cache)) Module.enableCompileCache?.(cache)
  if (purpose === 'fill') return 'fill'
  return env.AWS_LAMBDA_INITIALIZATION_TYPE === 'snap-start' ? 'snapshot' : 'run'
}

/** After the function is loaded: ends the process, waits to be restored, or does nothing. */
async function take(purpose, client) {
  if (purpose === 'fill') {
    Module.flushCompileCache?.()
    process.exit(0)
  }
  if (purpose !== 'snapshot') return
  for (const hook of hooks.beforeSnapshot) await hook()
  await client.restoreNext()
  for (const hook of hooks.afterRestore) await hook()
}

module.exports = { install, prepare, take }
