/**
 * Who may import whom.  The direction is: cli and app → domains → providers,
 * engine; the engine knows none of them, and no domain knows another.  The console
 * knows the server by its contract only; its rooms stand on the design system, and
 * the frame alone knows them all.
 */
import { dirname, join, normalize } from 'node:path'
import { files, textOf } from './tree.ts'

/** A room is the first of these that a path begins with. */
const ROOMS = [
  'engine/src/postgres/',
  'engine/',
  'examples/',
  'server/src/domains/probe/',
  'server/src/domains/chat/',
  'server/src/domains/diagnosis/',
  'server/src/domains/tool/',
  'server/src/domains/stage/',
  'server/src/providers/fake-answers.ts',
  'server/src/providers/',
  'server/src/simulator/',
  'server/src/skills/',
  'server/src/traces/',
  'server/src/prices/',
  'server/src/keys/',
  'server/src/gateway/',
  'server/src/tools/',
  'server/src/access/',
  'server/src/runs/',
  'server/src/http/',
  'server/src/mcp/',
  'server/src/graphql/',
  'server/src/cli/',
  'server/src/index.ts',
  'server/src/app.ts',
  'server/src/own-kinds.ts',
  'server/src/own-providers.ts',
  'server/src/performing.ts',
  'server/src/report.ts',
  'server/src/patterns.ts',
  'server/src/config.ts',
  'server/src/cli.ts',
  'web/src/ui/gallery.tsx',
  'web/src/ui/',
  'web/src/words/',
  'web/src/shell/rooms.ts',
  'web/src/shell/app.tsx',
  'web/src/shell/',
  'web/src/home/',
  'web/src/runs/tabs.ts',
  'web/src/runs/',
  'web/src/results/',
  'web/src/start/',
  'web/src/definitions/',
  'web/src/system/',
  'web/src/tools/',
  'web/src/settings/',
  'web/src/diagnosis/',
  'web/src/board/',
  'web/src/main.tsx',
  'web/src/',
] as const
type Room = (typeof ROOMS)[number]

const ENGINE = '@millrace/engine'

/** What every page of the console is made of. */
const PAGE = ['web/src/shell/', 'web/src/shell/rooms.ts', 'web/src/ui/', 'web/src/words/', 'web/src/'] as const

/** What a room may import besides itself and packages from outside. */
const ALLOWED: Record<Room, readonly (Room | typeof ENGINE)[]> = {
  'engine/src/postgres/': ['engine/'],
  'engine/': ['engine/src/postgres/'],
  'examples/': [],
  'server/src/providers/fake-answers.ts': ['server/src/providers/'],
  'server/src/patterns.ts': [],
  'server/src/providers/': [
    'server/src/providers/fake-answers.ts',
    'server/src/traces/',
    'server/src/patterns.ts',
    ENGINE,
  ],
  'server/src/traces/': [ENGINE],
  'server/src/skills/': [ENGINE],
  // It must not be shaped by the providers that are tried with it.
  'server/src/simulator/': ['server/src/providers/fake-answers.ts'],
  'server/src/domains/diagnosis/': ['server/src/providers/', 'server/src/prices/', ENGINE],
  'server/src/prices/': [ENGINE],
  'server/src/keys/': [ENGINE],
  'server/src/domains/probe/': [
    'server/src/providers/',
    'server/src/prices/',
    'server/src/gateway/',
    'server/src/tools/',
    ENGINE,
  ],
  'server/src/domains/chat/': ['server/src/providers/', 'server/src/prices/', 'server/src/gateway/', ENGINE],
  'server/src/domains/tool/': ['server/src/tools/', ENGINE],
  'server/src/domains/stage/': [
    'server/src/runs/',
    'server/src/providers/',
    'server/src/prices/',
    'server/src/keys/',
    'server/src/skills/',
    'server/src/tools/',
    'server/src/patterns.ts',
    ENGINE,
  ],
  'server/src/gateway/': ['server/src/providers/', ENGINE],
  'server/src/tools/': ['server/src/providers/', 'server/src/patterns.ts', ENGINE],
  'server/src/access/': [ENGINE],
  'server/src/runs/': [ENGINE],
  // It stands on the same house, words and problems as the routes beside it.
  'server/src/graphql/': [
    'server/src/http/',
    'server/src/access/',
    'server/src/runs/',
    'server/src/domains/probe/',
    'server/src/providers/',
    ENGINE,
  ],
  // The same for agents.
  'server/src/mcp/': [
    'server/src/patterns.ts',
    'server/src/http/',
    'server/src/access/',
    'server/src/keys/',
    'server/src/runs/',
    'server/src/skills/',
    'server/src/tools/',
    'server/src/domains/probe/',
    'server/src/domains/tool/',
    ENGINE,
  ],
  'server/src/http/': [
    'server/src/graphql/',
    'server/src/mcp/',
    'server/src/access/',
    'server/src/runs/',
    'server/src/gateway/',
    'server/src/traces/',
    'server/src/domains/probe/',
    'server/src/domains/chat/',
    'server/src/providers/',
    'server/src/prices/',
    'server/src/keys/',
    'server/src/tools/',
    ENGINE,
    'server/src/domains/diagnosis/',
    'server/src/domains/tool/',
    'server/src/skills/',
    'server/src/domains/stage/',
  ],
  'server/src/config.ts': ['server/src/http/', ENGINE],
  'server/src/performing.ts': ['server/src/config.ts', 'server/src/domains/stage/', ENGINE],
  'server/src/report.ts': [ENGINE],
  'server/src/own-kinds.ts': ['server/src/tools/', ENGINE],
  'server/src/own-providers.ts': ['server/src/own-kinds.ts', 'server/src/providers/', 'server/src/tools/', ENGINE],
  'server/src/index.ts': [
    'server/src/traces/',
    'server/src/runs/',
    'server/src/app.ts',
    'server/src/config.ts',
    'server/src/performing.ts',
    'server/src/providers/',
    'server/src/report.ts',
    ENGINE,
  ],
  'server/src/app.ts': [
    'server/src/traces/',
    'server/src/domains/probe/',
    'server/src/domains/chat/',
    'server/src/domains/diagnosis/',
    'server/src/domains/tool/',
    'server/src/domains/stage/',
    'server/src/providers/',
    'server/src/prices/',
    'server/src/keys/',
    'server/src/skills/',
    'server/src/gateway/',
    'server/src/tools/',
    'server/src/runs/',
    'server/src/http/',
    'server/src/own-kinds.ts',
    'server/src/own-providers.ts',
    'server/src/config.ts',
    ENGINE,
  ],
  'server/src/cli/': [
    'server/src/domains/probe/',
    'server/src/domains/diagnosis/',
    'server/src/domains/tool/',
    'server/src/domains/stage/',
    'server/src/simulator/',
    'server/src/prices/',
    'server/src/keys/',
    'server/src/skills/',
    'server/src/tools/',
    'server/src/access/',
    'server/src/runs/',
    'server/src/http/',
    'server/src/mcp/',
    'server/src/app.ts',
    'server/src/performing.ts',
    'server/src/report.ts',
    'server/src/config.ts',
    ENGINE,
  ],
  'server/src/cli.ts': ['server/src/cli/', 'server/src/config.ts', ENGINE],
  // What asks, remembers and writes numbers; the words are also said where nobody answers.
  'web/src/': ['web/src/words/'],
  'web/src/words/': [],
  'web/src/ui/': ['web/src/', 'web/src/words/'],
  'web/src/ui/gallery.tsx': ['web/src/ui/', 'web/src/', 'web/src/words/'],
  'web/src/shell/rooms.ts': [
    'web/src/home/',
    'web/src/runs/',
    'web/src/results/',
    'web/src/definitions/',
    'web/src/tools/',
    'web/src/diagnosis/',
    'web/src/board/',
    'web/src/system/',
    'web/src/settings/',
    'web/src/shell/',
  ],
  'web/src/shell/app.tsx': ['web/src/ui/gallery.tsx', 'web/src/start/', ...PAGE],
  'web/src/shell/': PAGE,
  // The dialog that starts a run stands over every page, and brings its example.
  'web/src/start/': ['examples/', ...PAGE],
  'web/src/definitions/': [...PAGE, 'web/src/start/'],
  // It shows what the other rooms have that waits for somebody, and the example.
  'web/src/home/': ['web/src/runs/', 'examples/', ...PAGE],
  'web/src/runs/': [...PAGE, 'web/src/runs/tabs.ts', 'web/src/start/'],
  // The one list of the parts of a run, whoever brings them.
  'web/src/runs/tabs.ts': [...PAGE, 'web/src/runs/', 'web/src/results/'],
  'web/src/results/': [...PAGE, 'web/src/runs/', 'web/src/runs/tabs.ts'],
  'web/src/tools/': PAGE,
  'web/src/diagnosis/': PAGE,
  'web/src/system/': PAGE,
  'web/src/settings/': PAGE,
  'web/src/board/': ['web/src/runs/', ...PAGE],
  'web/src/main.tsx': ['web/src/shell/app.tsx', 'web/src/'],
}

export interface Import {
  readonly from: string
  readonly to: string
}

/** The sentence that an import breaks, or nothing. */
export function crossing({ from, to }: Import): string | undefined {
  const here = roomOf(from)
  if (here === undefined) return `${from} is in no room; tools/rooms.ts names them`
  const there = to.startsWith(ENGINE) ? ENGINE : roomOf(to)
  if (there === undefined || there === here || ALLOWED[here].includes(there)) return undefined
  return `${from} imports ${to}: ${here} may not know ${there}`
}

function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) => path.startsWith(room))
}

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g

export function importsOf(path: string, text: string): Import[] {
  return Array.from(text.matchAll(IMPORT), ([, target = '']) => ({
    from: path,
    to: target.startsWith('.') ? normalize(join(dirname(path), target)) : target,
  })).filter(({ to }) => to.includes('/') && !to.startsWith('node:'))
}

export async function crossings(): Promise<string[]> {
  const sources = files(/^(engine|server|web)\/src\/.*\.tsx?$/).filter((path) => !/\.(test|contract)\.ts$/.test(path))
  if (sources.length < 20) return [`only ${sources.length} files were looked at`]
  return sources.flatMap((path) => importsOf(path, textOf(path)).flatMap((one) => crossing(one) ?? []))
}
