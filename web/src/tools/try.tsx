/** Calling a tool from the page: its form, or JSON; then what it gave, or why not. */
import { Play } from 'lucide-react'
import { useMemo, useState } from 'react'
import { ask, problemIn, type Answer, type Problem as ProblemData, type ToolError } from '../api.ts'
import { askAgain } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { duration } from '../shown.ts'
import {
  Badge,
  Button,
  Card,
  CodeBlock,
  JsonView,
  Link,
  NumberField,
  Problem,
  Switch,
  Textarea,
  useAct,
} from '../ui/index.ts'
import { words } from '../words/tools.ts'
import { Form, parsed, type Values } from './form.tsx'
import { issuesAt, schemaOf, sortOf } from './schema.ts'

type Tool = Answer<'get', '/v1/tools/{name}'>
type Given = { readonly output: unknown; readonly run: number; readonly elapsedMs: number | null }

export function Try({ tool }: { tool: Tool }) {
  const me = useMe()
  const schema = schemaOf(tool.input)
  const formable = sortOf(schema) === 'group' && Object.keys(schema.properties ?? {}).length > 0
  const [asJson, setAsJson] = useState(!formable)
  const [values, setValues] = useState<Values>({})
  const [text, setText] = useState('{}')
  const [later, setLater] = useState(false)
  const [retries, setRetries] = useState<number | null>(0)
  const [started, setStarted] = useState<number>()
  const [busy, act] = useAct((error) => setProblem(problemIn(error)))
  const [given, setGiven] = useState<Given>()
  const [problem, setProblem] = useState<ProblemData>()
  const envelope = problem?.error
  const issues = useMemo(() => issuesAt(envelope?.details['issues']), [envelope])
  const input = asJson ? parsed(text) : { value: values }
  const calls = may(me, 'tools') && may(me, 'runs:write')
  const call = () =>
    act(async () => {
      if (input === undefined) return
      setProblem(undefined)
      setGiven(undefined)
      setStarted(undefined)
      try {
        const answer = await ask('post', '/v1/analyze-execution', {
          body: { tool: tool.name, input: input.value, mode: later ? 'async' : 'sync', retries: retries ?? 0 },
        })
        if ('output' in answer) setGiven(answer)
        else setStarted(answer.run)
      } finally {
        askAgain('/v1/', '/api/health/tools')
      }
    })
  function turn(json: boolean) {
    if (json) setText(JSON.stringify(values, null, 2))
    else {
      const found = parsed(text)?.value
      if (typeof found === 'object' && found !== null && !Array.isArray(found)) setValues(found as Values)
    }
    setAsJson(json)
  }
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Card
        title={words.input}
        actions={
          formable ? (
            <div role="group" aria-label={words.view} className="flex gap-1">
              {([false, true] as const).map((json) => (
                <Button
                  key={String(json)}
                  size="small"
                  look={asJson === json ? 'plain' : 'quiet'}
                  aria-pressed={asJson === json}
                  disabled={!json && asJson && parsed(text) === undefined}
                  onClick={() => json === asJson || turn(json)}
                >
                  {json ? words.json : words.form}
                </Button>
              ))}
            </div>
          ) : undefined
        }
      >
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault()
            call()
          }}
        >
          {asJson ? (
            <div className="flex flex-col gap-1">
              <Textarea mono aria-label={words.input} value={text} onChange={setText} rows={12} spellCheck={false} />
              {input === undefined ? <p className="text-sm text-bad">{words.notJson}</p> : null}
            </div>
          ) : (
            <Form schema={schema} value={values} onChange={setValues} issues={issues} />
          )}
          {asJson || issues.has('/') ? <Issues of={issues} only={asJson ? undefined : '/'} /> : null}
          <details>
            <summary className="text-sm text-dim">{words.how}</summary>
            <div className="mt-3 flex flex-col gap-3">
              <Switch label={words.later} checked={later} onChange={setLater} />
              <NumberField
                label={words.retries}
                hint={words.retriesHint}
                value={retries}
                onChange={setRetries}
                min={0}
                max={10}
              />
            </div>
          </details>
          <div className="flex items-center gap-3">
            <Button type="submit" look="primary" icon={Play} busy={busy} disabled={!calls || input === undefined}>
              {words.call}
            </Button>
            {calls ? null : <span className="text-sm text-dim">{words.viewer}</span>}
          </div>
        </form>
      </Card>
      <Card
        title={words.result}
        actions={given === undefined ? undefined : <Link href={`/runs/${given.run}`}>{words.seeRun(given.run)}</Link>}
      >
        <div aria-live="polite" aria-busy={busy}>
          {busy ? (
            <p className="pulse text-dim">{words.calling}</p>
          ) : given !== undefined ? (
            <div className="flex flex-col gap-3">
              <p className="flex items-center gap-2">
                <Badge tone="good">{words.statuses.SUCCESS}</Badge>
                {given.elapsedMs === null ? null : (
                  <span className="text-sm text-dim">{words.took(duration(given.elapsedMs / 1_000))}</span>
                )}
              </p>
              <JsonView value={given.output} label={words.output} />
            </div>
          ) : started !== undefined ? (
            <p>
              {words.startedLater} <Link href={`/runs/${started}`}>{words.seeRun(started)}</Link>
            </p>
          ) : envelope !== undefined ? (
            <Told envelope={envelope} run={problem?.run} atField={!asJson && issues.size > 0} />
          ) : problem !== undefined ? (
            <Problem problem={problem} />
          ) : (
            <p className="text-dim">{words.nothingYet}</p>
          )}
        </div>
      </Card>
    </div>
  )
}

function Issues({ of, only }: { of: ReadonlyMap<string, string>; only: string | undefined }) {
  const shown = [...of].filter(([pointer]) => only === undefined || pointer === only)
  if (shown.length === 0) return null
  return (
    <ul className="list-disc pl-5 text-sm text-bad">
      {shown.map(([pointer, message]) => (
        <li key={pointer}>
          <code className="font-mono">{pointer}</code> {message}
        </li>
      ))}
    </ul>
  )
}

/** An error as a person would want it: what, whose to mend, whether again, and where more is. */
export function Told({
  envelope: { type, code, message, retryable, correlationId, details },
  run,
  atField = false,
}: {
  envelope: ToolError
  run: number | undefined
  atField?: boolean
}) {
  const me = useMe()
  const others = Object.entries(details).filter(([name]) => name !== 'issues')
  return (
    <div role="alert" className="flex flex-col gap-2">
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone="bad">{words.statuses.FAILED}</Badge>
        <Badge>{retryable ? words.retryable : words.final}</Badge>
        {run === undefined ? null : <Link href={`/runs/${run}`}>{words.seeRun(run)}</Link>}
      </p>
      <p className="text-lg font-medium">{message}</p>
      <p className="text-dim">{atField ? words.atField : (words.failedAs[type] ?? '')}</p>
      {atField || details['issues'] === undefined ? null : <Issues of={issuesAt(details['issues'])} only={undefined} />}
      {others.length === 0 ? null : (
        <p className="text-sm text-dim">{others.map(([name, value]) => `${name}: ${String(value)}`).join(' · ')}</p>
      )}
      <p className="font-mono text-xs text-faint">
        {code} · {correlationId}
      </p>
      {me.operator && type !== 'ValidationError' ? (
        <div className="mt-1 flex flex-col gap-1.5">
          <p className="text-sm text-dim">{words.trace}</p>
          <CodeBlock text={`millrace tools trace ${correlationId}`} label={words.trace} />
        </div>
      ) : null}
    </div>
  )
}
