// The filter pattern for lines of fields, `[ip, user, ..., status = 4*, bytes > 1000]`: a name for
// each field, with a condition or without, and `...` for any number of fields. Pure. What stands in
// quotes or brackets is one field of a line.

import { Cursor, PatternFault, parseExpression } from './log-expression.ts'

type Fields = ReadonlyMap<string, string>

interface Column {
  name: string
  fits?: (fields: Fields) => boolean
}

const ELLIPSIS = /\.\.\./y
const NAME = /[\w-]*/y
const COMPARES = /(?=[=!<>])/y

/** @throws PatternFault */
export function parseFields(pattern: string): (message: string) => boolean {
  const cursor = new Cursor(pattern)
  cursor.expect('[')
  const before: Column[] = []
  let after: Column[] | undefined
  do {
    if (cursor.take(ELLIPSIS)) {
      if (after) throw new PatternFault('more than one ...')
      after = []
    } else {
      const columns = after ?? before
      columns.push(parseColumn(cursor))
    }
  } while (cursor.takes(','))
  cursor.expect(']')
  cursor.end()
  const columns = [...before, ...(after ?? [])]
  return (message) => {
    const fields = nameFields(fieldsOf(message), before, after)
    return fields !== undefined && columns.every(({ fits }) => fits?.(fields) ?? true)
  }
}

/** A condition names its own field again and again: `code = 404 || code = 410`. */
function parseColumn(cursor: Cursor): Column {
  const [name = ''] = cursor.take(NAME) ?? []
  if (!cursor.take(COMPARES)) return { name }
  let isFirst = true
  const fits = parseExpression<Fields>(cursor, (place) => {
    const own = isFirst ? name : (place.take(NAME)?.[0] ?? '')
    isFirst = false
    return (fields) => [fields.get(own)].filter((value) => value !== undefined)
  })
  return { name, fits }
}

/**
 * Without `...` the last name stands for the rest of the line. @returns undefined for a line that
 * has too few fields.
 */
function nameFields(
  fields: string[],
  before: readonly Column[],
  after: readonly Column[] | undefined,
): Fields | undefined {
  const wanted = before.length + (after?.length ?? 0)
  if (fields.length < wanted) return undefined
  const kept = after
    ? [...fields.slice(0, before.length), ...fields.slice(fields.length - after.length)]
    : [...fields.slice(0, wanted - 1), fields.slice(wanted - 1).join(' ')]
  return new Map([...before, ...(after ?? [])].map(({ name }, index) => [name, kept[index] ?? '']))
}

function fieldsOf(message: string): string[] {
  const found = message.matchAll(/\[([^\]]*)\](?=\s|$)|"([^"]*)"(?=\s|$)|(\S+)/g)
  return [...found].map(([, bracketed, quoted, bare]) => bracketed ?? quoted ?? bare ?? '')
}
