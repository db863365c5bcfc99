// Tells what it finds under /opt.

const { execFileSync } = require('node:child_process')
const { readdirSync, writeFileSync } = require('node:fs')
const attempt = (work) => { try { return work() } catch (error) { return error.code } }
exports.handler = async () => ({
  dep: require('dep'),
  tool: attempt(() => execFileSync('tool').toString()),
  written: attempt(() => writeFileSync('/opt/x', '')),
  entries: readdirSync('/opt').sort(),
  wrapped: process.env.WRAPPED,
})
