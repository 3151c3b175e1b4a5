/** The page of who is not signed in: a password, or the one-time link that somebody was given. */
import { useEffect, useState, type ReactNode } from 'react'
import { ask, problemIn, type Problem as ProblemData } from '../api.ts'
import { Button, Field, Input, Problem } from '../ui/index.ts'
import { words } from '../words/shell.ts'

/** The secret of a link does not stay in the address, nor in the history. */
const token = new URLSearchParams(location.search).get('token')
if (location.pathname === '/sign-in' && token !== null) history.replaceState(null, '', '/sign-in')

export function SignIn() {
  const [byLink, setByLink] = useState(token !== null)
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ProblemData>()
  useEffect(() => {
    document.title = `${words.signIn.title} · ${words.name}`
  }, [])
  async function enter() {
    setBusy(true)
    setProblem(undefined)
    try {
      if (byLink) await ask('post', '/api/sign-in/link', { body: { token: token ?? '' } })
      else await ask('post', '/api/sign-in', { body: { email, password } })
      // Everything that was asked as somebody else is forgotten.
      location.assign(location.pathname === '/sign-in' ? '/' : location.href)
    } catch (error) {
      setProblem(problemIn(error))
      setBusy(false)
    }
  }
  return (
    <Alone>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void enter()
        }}
        className="flex flex-col gap-4 p-6"
      >
        {byLink ? (
          <p>{words.signIn.linkLead}</p>
        ) : (
          <>
            <Field label={words.signIn.email}>
              <Input type="email" autoComplete="username" required autoFocus value={email} onChange={setEmail} />
            </Field>
            <Field label={words.signIn.password}>
              <Input type="password" autoComplete="current-password" required value={password} onChange={setPassword} />
            </Field>
          </>
        )}
        <Button type="submit" look="primary" busy={busy}>
          {words.signIn.submit}
        </Button>
        {byLink ? (
          <Button look="quiet" onClick={() => setByLink(false)}>
            {words.signIn.otherwise}
          </Button>
        ) : (
          <p className="text-sm text-dim">
            {words.signIn.noPassword} <code className="font-mono">npx millrace users link EMAIL</code>{' '}
            {words.signIn.another}
          </p>
        )}
      </form>
      {problem === undefined ? null : (
        <div className="border-t border-line">
          <Problem problem={problem} />
        </div>
      )}
    </Alone>
  )
}

/** A page without the frame. */
export function Alone({ children }: { children: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-6 p-4">
      <div className="flex flex-col items-center gap-2 text-center">
        <img src="/mark.svg" alt="" width={44} height={44} />
        <h1 className="text-xl">{words.name}</h1>
        <p className="text-dim">{words.signIn.lead}</p>
      </div>
      <div className="w-full max-w-sm overflow-clip rounded-lg border border-line bg-box shadow-low">{children}</div>
    </main>
  )
}
