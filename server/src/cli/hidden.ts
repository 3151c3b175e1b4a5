/** Reads one secret: from standard input, or typed at a terminal that does not show it. */

const ENTER = new Set(['\r', '\n', '\u0004'])
const BACK = new Set(['\u007f', '\b'])
const LARGEST = 100_000

export async function readHidden(question: string): Promise<string> {
  const { stdin } = process
  if (!stdin.isTTY) {
    let text = ''
    for await (const piece of stdin.setEncoding('utf8')) {
      text += String(piece)
      if (text.length > LARGEST) break
    }
    return text
  }
  process.stderr.write(question)
  stdin.setRawMode(true).setEncoding('utf8').resume()
  try {
    return await new Promise((resolve) => {
      let typed = ''
      const hear = (piece: string) => {
        for (const sign of piece) {
          // Nobody else hears Ctrl-C while the terminal is raw.
          if (sign === '\u0003') process.exit(130)
          if (ENTER.has(sign)) {
            stdin.off('data', hear)
            resolve(typed)
            return
          }
          typed = BACK.has(sign) ? typed.slice(0, -1) : typed + sign
        }
      }
      process.once('exit', () => stdin.setRawMode(false))
      stdin.on('data', hear)
    })
  } finally {
    stdin.setRawMode(false).pause()
    process.stderr.write('\n')
  }
}
