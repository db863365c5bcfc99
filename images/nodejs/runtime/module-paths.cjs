// Where ES modules find what their function did not bring: in the folders of NODE_PATH, layers
// before the runtime's own, as on Lambda. Node itself looks there for CommonJS alone.
'use strict'
const Module = require('node:module')
const { pathToFileURL } = require('node:url')

const BARE = /^[^./#:][^:]*$/
const FOLDER = '/node_modules'

/** Parents beside whose modules a package of these folders is found. */
function parents() {
  const folders = (process.env.NODE_PATH ?? '').split(':').filter((one) => one.endsWith(FOLDER))
  return folders.map((folder) => pathToFileURL(`${folder.slice(0, -FOLDER.length)}/_`).href)
}

const isElsewhere = (error, specifier) =>
  error?.code === 'ERR_MODULE_NOT_FOUND' && BARE.test(specifier)

function resolve(specifier, context, next) {
  try {
    return next(specifier, context)
  } catch (error) {
    if (!isElsewhere(error, specifier)) throw error
    for (const parentURL of parents()) {
      try {
        return next(specifier, { ...context, parentURL })
      } catch {}
    }
    throw error
  }
}

/** Node 20 has hooks in a thread of their own alone. */
async function resolveLater(specifier, context, next) {
  try {
    return await next(specifier, context)
  } catch (error) {
    if (!isElsewhere(error, specifier)) throw error
    for (const parentURL of parents()) {
      const found = await next(specifier, { ...context, parentURL }).catch(() => undefined)
      if (found) return found
    }
    throw error
  }
}

/** Called once, when the runtime boots. */
function searchNodePath() {
  if (Module.registerHooks) Module.registerHooks({ resolve })
  else Module.register(pathToFileURL(__filename).href)
}

module.exports = { resolve: resolveLater, searchNodePath }
