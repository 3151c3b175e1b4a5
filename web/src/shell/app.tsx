/** The whole: who is signed in decides whether the frame is shown, and the address which page in it. */
import { CSPProvider } from '@base-ui/react/csp-provider'
import { FileQuestion } from 'lucide-react'
import { Component, lazy, Suspense, useEffect, useRef, useState, type ReactNode } from 'react'
import { matchRoute, Route, Switch, useLocation, useRouter } from 'wouter'
import { problemIn } from '../api.ts'
import { useAsked } from '../asked.ts'
import { openFeed } from '../feed.ts'
import { ButtonLink, Empty, Page, Problem, Skeleton, States, ToastProvider, TooltipProvider } from '../ui/index.ts'
import { words } from '../words/shell.ts'
import { StartHere } from '../start/open.tsx'
import { places } from '../words/places.ts'
import { Frame } from './frame.tsx'
import { MeContext, type Me } from './me.ts'
import { rooms } from './rooms.ts'
import { Alone, SignIn } from './sign-in.tsx'

/** All pieces of the design system, while one writes; it is in no build. */
const Gallery = import.meta.env.DEV ? lazy(() => import('../ui/gallery.tsx')) : undefined

export function App() {
  const [me, again] = useAsked('/api/me', {})
  const { parser } = useRouter()
  // The code of the page that is asked for comes beside the word who asks, not after it.
  useState(() => {
    const pages = rooms.flatMap((room) => room.pages)
    pages.find(({ path }) => matchRoute(parser, path, location.pathname)[0])?.page.load()
  })
  const outside = me.state === 'not_allowed'
  return (
    <CSPProvider disableStyleElements>
      <ToastProvider>
        <TooltipProvider delay={400}>
          {outside ? (
            <SignIn />
          ) : me.data === undefined ? (
            <Waiting again={again} state={me} />
          ) : (
            <Inside me={me.data} />
          )}
        </TooltipProvider>
      </ToastProvider>
    </CSPProvider>
  )
}

/** Nothing is known yet; or the server is away, which is looked at again and again. */
function Waiting({ state, again }: { state: ReturnType<typeof useAsked<'/api/me'>>[0]; again: () => Promise<void> }) {
  const away = state.state === 'offline'
  useEffect(() => {
    if (!away) return undefined
    const timer = setInterval(() => void again(), 2_000)
    return () => clearInterval(timer)
  }, [away, again])
  if (state.state === 'loading') return <main aria-busy className="min-h-dvh" />
  return (
    <Alone>
      <States of={state} again={again}>
        {() => null}
      </States>
    </Alone>
  )
}

function Inside({ me }: { me: Me }) {
  const [here, go] = useLocation()
  useEffect(openFeed, [])
  useEffect(() => {
    if (here === '/sign-in') go('/', { replace: true })
  }, [here, go])
  // Another page begins at its top, and the keyboard with it; its parts leave both where they are.
  const first = useRef(true)
  useEffect(() => {
    if (first.current) {
      first.current = false
      return
    }
    scrollTo(0, 0)
    document.querySelector<HTMLElement>('#content')?.focus({ preventScroll: true })
  }, [here.split('/').slice(0, 3).join('/')])
  return (
    <MeContext value={me}>
      <Frame>
        <Safe key={here.split('/').slice(0, 3).join('/')}>
          <Suspense fallback={<Skeleton lines={5} />}>
            <Switch>
              {rooms.flatMap(({ pages }) =>
                pages.map(({ path, page: Shown }) => (
                  <Route key={path} path={path}>
                    <Shown />
                  </Route>
                )),
              )}
              {Gallery === undefined ? null : (
                <Route path="/gallery">
                  <Gallery />
                </Route>
              )}
              <Route>
                <NotFound />
              </Route>
            </Switch>
          </Suspense>
        </Safe>
        <StartHere name={places.start} />
      </Frame>
    </MeContext>
  )
}

function NotFound() {
  return (
    <Page title={words.notFound.title}>
      <Empty icon={FileQuestion} title={words.notFound.title} lead={words.notFound.detail}>
        <ButtonLink href="/">{words.notFound.home}</ButtonLink>
      </Empty>
    </Page>
  )
}

/** A page that breaks leaves the frame standing. */
class Safe extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {}
  static getDerivedStateFromError(error: unknown) {
    return { error }
  }
  override render() {
    if (this.state.error === undefined) return this.props.children
    return (
      <Page title={words.broken.title}>
        <Problem problem={problemIn(this.state.error)} again={() => location.reload()} />
      </Page>
    )
  }
}
