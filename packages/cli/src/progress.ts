// Telling a person how long work goes: a spinner on a terminal, plain lines elsewhere. Work reports what it does;
// nobody but this file decides how that looks.

import ora from 'ora'

/** Work says what it is doing now. */
export type Report = (doing: string) => void

/** Runs a step under a title; the end shows what came of it and how long it took. */
export async function step<T>(title: string, work: (report: Report) => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  if (!process.stderr.isTTY) return plainStep(title, work, elapsed)
  const spinner = ora({ text: title, stream: process.stderr }).start()
  let doing = ''
  const show = () => {
    spinner.text = `${title} (${elapsed()})${doing && `: ${doing}`}`
  }
  const timer = setInterval(show, 500)
  try {
    const result = await work((next) => {
      doing = next
      show()
    })
    spinner.succeed(`${title} (${elapsed()})`)
    return result
  } catch (error) {
    spinner.fail(title)
    throw error
  } finally {
    clearInterval(timer)
  }
}

async function plainStep<T>(
  title: string,
  work: (report: Report) => Promise<T>,
  elapsed: () => string,
): Promise<T> {
  console.error(`${title} ...`)
  const result = await work((doing) => console.error(`  ${doing}`))
  console.error(`${title}: done in ${elapsed()}`)
  return result
}
