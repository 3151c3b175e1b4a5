/** How the programs beside the product read their command line: `--help`, and one line on what is wrong. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

interface CommandLine<T extends ParseArgsOptionsConfig> {
  readonly values: ReturnType<typeof parseArgs<{ options: T }>>['values']
  /** A whole number, not below `least`; or the program ends as it does for an unknown option. */
  readonly whole: (name: keyof T & string, least?: number) => number
  /** Says what is wrong, then the usage, and ends with 2. */
  readonly misused: (wrong: string) => never
}

export function commandLine<const T extends ParseArgsOptionsConfig>(
  usage: string,
  options: T,
  args: readonly string[] = process.argv.slice(2),
): CommandLine<T> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(usage)
    process.exit(0)
  }
  const misused = (wrong: string): never => {
    console.error(`${wrong}.\n\n${usage}`)
    process.exit(2)
  }
  function read() {
    try {
      return parseArgs({ args: [...args], options }).values
    } catch (error) {
      // Its first sentence is ours to say; the others explain how to write what is not meant.
      return misused((error as Error).message.split(/\. |\n/)[0] ?? 'Not understood')
    }
  }
  const values = read()
  const texts: Readonly<Record<string, unknown>> = values
  return {
    values,
    misused,
    whole(name, least = 0) {
      const number = Number(texts[name])
      if (Number.isSafeInteger(number) && number >= least) return number
      return misused(`--${name} takes a whole number, ${least} or more`)
    },
  }
}
