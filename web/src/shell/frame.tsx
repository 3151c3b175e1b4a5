/** The frame around every page: where one can go, who one is, and what concerns everything. */
import { CircleUser, Keyboard, LogOut, BookOpen, Search } from 'lucide-react'
import { useEffect, useMemo, useState, type ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { ask } from '../api.ts'
import { useKept } from '../kept.ts'
import { IconButton, Kbd, Menu, MenuChoice, MenuItems, MenuLine, tellProblem } from '../ui/index.ts'
import { words } from '../words/shell.ts'
import { Banner } from './banner.tsx'
import { Help } from './help.tsx'
import { hearKeys, PALETTE, useCommands } from './keys.ts'
import { useMe, workspaceOf } from './me.ts'
import { Palette } from './palette.tsx'
import { rooms, type Room } from './rooms.ts'

export function Frame({ children }: { children: ReactNode }) {
  const me = useMe()
  const [here, go] = useLocation()
  const mine = useMemo(() => rooms.filter(({ may }) => may?.(me) !== false), [me])
  const [opened, setOpened] = useState<'palette' | 'help'>()
  useEffect(() => hearKeys({ palette: () => setOpened('palette'), help: () => setOpened('help') }), [])
  useCommands(
    useMemo(() => mine.map(({ name, key, path }) => ({ name, keys: `g ${key}`, run: () => go(path) })), [mine, go]),
  )
  const current = mine
    .toSorted((a, b) => b.path.length - a.path.length)
    .find(({ path }) => here === path || here.startsWith(path === '/' ? '/ ' : `${path}/`))
  return (
    <div className="flex min-h-dvh">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:raised focus:fixed focus:top-2 focus:left-2 focus:z-60 focus:px-3 focus:py-2"
      >
        {words.skip}
      </a>
      <aside className="sticky top-0 hidden h-dvh w-56 shrink-0 flex-col border-r border-line bg-sunk lg:flex">
        <Brand />
        <div className="px-3 pb-3">
          <button
            type="button"
            onClick={() => setOpened('palette')}
            className="flex h-8 w-full items-center gap-2 rounded-md border border-line bg-box px-2.5 text-sm text-dim hover:border-edge"
          >
            <Search aria-hidden size={14} />
            <span className="flex-1 text-left">{words.search}</span>
            <Kbd keys={PALETTE} />
          </button>
        </div>
        <nav aria-label={words.rooms} className="flex-1 overflow-y-auto px-3">
          <ul className="flex flex-col gap-0.5">
            {mine.map((room) => (
              <li key={room.path}>
                <Way room={room} current={room === current} />
              </li>
            ))}
          </ul>
        </nav>
        <div className="border-t border-line p-3">
          <Account onHelp={() => setOpened('help')} wide />
        </div>
      </aside>
      <div className="flex min-w-0 flex-1 flex-col pb-16 lg:pb-0">
        <header className="flex h-12 items-center justify-between border-b border-line bg-sunk px-2 lg:hidden">
          <Brand />
          <div className="flex items-center">
            <IconButton label={words.search} icon={Search} onClick={() => setOpened('palette')} />
            <Account onHelp={() => setOpened('help')} />
          </div>
        </header>
        <Banner />
        <main id="content" tabIndex={-1} className="min-w-0 flex-1 outline-none">
          {children}
        </main>
      </div>
      <nav
        aria-label={words.rooms}
        className="fixed inset-x-0 bottom-0 z-30 flex overflow-x-auto border-t border-line bg-box pb-[env(safe-area-inset-bottom)] lg:hidden"
      >
        {mine.map((room) => (
          <Way key={room.path} room={room} current={room === current} below />
        ))}
      </nav>
      <Palette open={opened === 'palette'} onClose={() => setOpened(undefined)} rooms={mine} />
      <Help open={opened === 'help'} onClose={() => setOpened(undefined)} />
    </div>
  )
}

function Brand() {
  return (
    <Link href="/" className="flex h-14 items-center gap-2.5 px-4 max-lg:h-12 max-lg:px-2">
      <img src="/mark.svg" alt="" width={24} height={24} />
      <span className="text-lg font-semibold tracking-tight">{words.name}</span>
    </Link>
  )
}

function Way({
  room: { name, path, icon: Icon },
  current,
  below = false,
}: {
  room: Room
  current: boolean
  below?: boolean
}) {
  const look = below
    ? `min-w-16 flex-1 flex-col gap-0.5 px-2 py-2 text-xs ${current ? 'text-accent' : 'text-dim'}`
    : `gap-2.5 rounded-md px-2.5 py-1.5 ${current ? 'bg-wash font-medium text-accent' : 'text-dim hover:bg-line/60 hover:text-ink'}`
  return (
    <Link href={path} aria-current={current ? 'page' : undefined} className={`flex items-center ${look}`}>
      <Icon aria-hidden size={below ? 19 : 17} strokeWidth={1.8} />
      {name}
    </Link>
  )
}

function Account({ onHelp, wide = false }: { onHelp: () => void; wide?: boolean }) {
  const me = useMe()
  const [theme, setTheme] = useKept<'light' | 'dark' | 'system'>('theme', 'system')
  const name = me.user === null ? me.sub : me.user.name === '' ? me.user.email : me.user.name
  const workspace = workspaceOf(me)
  const trigger = wide ? (
    <button type="button" className="flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-left hover:bg-line/60">
      <CircleUser aria-hidden size={18} className="shrink-0 text-dim" />
      <span className="min-w-0">
        <span className="cut block text-sm font-medium">{name}</span>
        <span className="cut block text-xs text-faint">{workspace?.name}</span>
      </span>
    </button>
  ) : (
    <IconButton label={words.account} icon={CircleUser} />
  )
  return (
    <Menu trigger={trigger} align="start">
      {me.workspaces.length < 2 ? null : (
        <>
          <MenuChoice
            label={words.workspace}
            value={String(workspace?.id ?? '')}
            of={me.workspaces.map(({ id, name: called }) => [String(id), called] as const)}
            onChange={(id) => {
              localStorage.setItem('millrace.workspace', id)
              location.assign('/')
            }}
          />
          <MenuLine />
        </>
      )}
      <MenuChoice
        label={words.theme.label}
        value={theme}
        of={[
          ['system', words.theme.system],
          ['light', words.theme.light],
          ['dark', words.theme.dark],
        ]}
        onChange={(next) => {
          setTheme(next)
          dispatchEvent(new Event('millrace:theme'))
        }}
      />
      <MenuLine />
      <MenuItems
        of={[
          { name: words.keys, icon: Keyboard, onSelect: onHelp },
          { name: words.docs, icon: BookOpen, onSelect: () => location.assign('/api/docs') },
          ...(me.by === 'session'
            ? [
                {
                  name: words.signOut,
                  icon: LogOut,
                  onSelect: () => void ask('post', '/api/sign-out', {}).then(() => location.assign('/'), tellProblem),
                },
              ]
            : []),
        ]}
      />
    </Menu>
  )
}
