// The first line of a Node.js runtime process: hands over to the loop, which never returns.
'use strict'
require('./module-paths.cjs').searchNodePath()
require('./loop.cjs').run()
