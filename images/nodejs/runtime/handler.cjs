// Finds and loads the function's handler: `folder/file.export`, CommonJS or ES module, in AWS's
// order of places and with AWS's errors. It runs once a process, at init.
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { RuntimeError } = require('./errors.cjs')

const FORM = /^([^.]*)\.(.*)$/
const EXTENSIONS = ['', '.js', '.mjs', '.cjs']
const NEEDS_IMPORT = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'])
const NOT_FOUND = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'])

/** @returns the handler function. @throws RuntimeError with AWS's names and texts. */
async function loadHandler(root, text) {
  if (text.includes('..')) {
    throw new RuntimeError(
      'Runtime.MalformedHandlerName',
      `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    )
  }
  const base = path.basename(text)
  const match = FORM.exec(base)
  if (!match) throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler')
  const folder = text.slice(0, text.length - base.length)
  const exports = await loadModule(root, path.join(folder, match[1]))
  return pick(exports, match[2], text)
}

function pick(exports, name, text) {
  const found = follow(exports, name) ?? follow(exports.default, name)
  if (found === undefined) {
    throw new RuntimeError('Runtime.HandlerNotFound', `${text} is undefined or not exported`)
  }
  if (typeof found !== 'function') {
    throw new RuntimeError('Runtime.HandlerNotFound', `${text} is not a function`)
  }
  return found
}

function follow(value, name) {
  return name.split('.').reduce((nested, key) => nested?.[key], value)
}

async function loadModule(root, name) {
  try {
    return await load(resolve(root, name))
  } catch (error) {
    if (error instanceof SyntaxError) {
      const syntax = new RuntimeError('Runtime.UserCodeSyntaxError', String(error))
      syntax.stack = error.stack
      throw syntax
    }
    if (NOT_FOUND.has(error?.code)) {
      const missing = new RuntimeError('Runtime.ImportModuleError', `Error: ${error.message}`)
      missing.stack = `Runtime.ImportModuleError: ${missing.message}\n    ${stackLines(error)}`
      throw missing
    }
    throw error
  }
}

const stackLines = (error) => (error.stack ?? '').split('\n    ').slice(1).join('\n    ')

/** A file beside the root first; then wherever Node would find it, layers included. */
function resolve(root, name) {
  for (const extension of EXTENSIONS) {
    const file = path.resolve(root, `${name}${extension}`)
    if (fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return file
  }
  try {
    return require.resolve(name, { paths: [root, ...layerFolders()] })
  } catch (error) {
    error.message = `Cannot find module '${path.basename(name)}'\nRequire stack:\n- /var/runtime/index.mjs`
    throw error
  }
}

const layerFolders = () => (process.env.NODE_PATH ?? '').split(':').filter(Boolean)

async function load(file) {
  if (file.endsWith('.mjs') || (!file.endsWith('.cjs') && isModulePackage(path.dirname(file)))) {
    return import(pathToFileURL(file).href)
  }
  try {
    return require(file)
  } catch (error) {
    if (NEEDS_IMPORT.has(error?.code)) return import(pathToFileURL(file).href)
    throw error
  }
}

/** Whether the nearest package.json says that its .js files are ES modules. */
function isModulePackage(folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    const file = path.join(at, 'package.json')
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module'
      } catch {
        return false
      }
    }
    if (at === path.dirname(at)) return false
  }
}

module.exports = { loadHandler }
