/** A tool: tried, described, and what was called of it. */
import { useParams } from 'wouter'
import type { Answer } from '../api.ts'
import { useAsked } from '../asked.ts'
import { count, duration } from '../shown.ts'
import { Badge, Card, Facts, Figure, JsonView, Page, States, Tabs, Time } from '../ui/index.ts'
import { words } from '../words/tools.ts'
import { Calls } from './calls.tsx'
import { linesOf, saidOf, schemaOf } from './schema.ts'
import { ToolState } from './state.tsx'
import { Try } from './try.tsx'

type Whole = Answer<'get', '/v1/tools/{name}'>

export default function Tool() {
  const { name, part } = useParams<{ name: string; part?: string }>()
  const [asked, again] = useAsked('/v1/tools/{name}', { path: { name } }, { every: 10_000 })
  const base = `/tools/${encodeURIComponent(name)}`
  const tool = asked.data
  return (
    <Page
      title={name}
      above={[[words.title, '/tools']]}
      mark={tool === undefined ? undefined : <ToolState state={tool.state} />}
      lead={tool?.description}
    >
      <States of={asked} again={again} lines={8}>
        {(found) => (
          <>
            <Numbers tool={found} />
            <Tabs
              label={words.parts}
              of={[
                { name: words.try, href: base },
                { name: words.about, href: `${base}/about` },
                { name: words.calls, href: `${base}/calls` },
              ]}
            />
            {part === 'about' ? (
              <About tool={found} />
            ) : part === 'calls' ? (
              <Calls tool={name} />
            ) : (
              <Try key={name} tool={found} />
            )}
          </>
        )}
      </States>
    </Page>
  )
}

const time = (ms: number | null) => (ms === null ? '—' : duration(Math.max(ms, 1) / 1_000))

function Numbers({ tool }: { tool: Whole }) {
  return (
    <section className="grid grid-cols-2 gap-4 rounded-lg border border-line bg-box p-4 shadow-low sm:grid-cols-3 lg:grid-cols-6">
      <Figure label={words.success} value={count(tool.success_count)} />
      <Figure
        label={words.errors}
        value={<span className={tool.error_count > 0 ? 'text-bad' : ''}>{count(tool.error_count)}</span>}
      />
      <Figure label={words.callerErrors} value={count(tool.caller_error_count)} />
      <Figure label={words.avg} value={time(tool.avg_execution_time_ms)} />
      <Figure label={words.p95} value={time(tool.p95_execution_time_ms)} />
      <Figure label={words.lastUsed} value={<Time at={tool.last_used} />} />
    </section>
  )
}

function About({ tool }: { tool: Whole }) {
  const errors = Object.entries(schemaOf(tool.errors) as Record<string, { message?: string; blame?: string }>)
  return (
    <div className="grid items-start gap-5 lg:grid-cols-3">
      <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
        <Schema title={words.input} of={tool.input} />
        <Schema title={words.output} of={tool.output} />
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        <Card title={words.facts}>
          <Facts
            of={[
              [words.version, tool.version ?? '—'],
              [words.carrier, words.carriers[tool.carrier ?? ''] ?? '—'],
              [words.last, time(tool.last_execution_time_ms)],
              [words.timeout, tool.timeout_ms === null ? '—' : duration(tool.timeout_ms / 1_000)],
              [words.concurrency, tool.concurrency === null ? '—' : count(tool.concurrency)],
              ...(tool.capabilities.length === 0 ? [] : [[words.capabilities, tool.capabilities.join(', ')] as const]),
            ]}
          />
        </Card>
        <Card title={words.places} flush>
          {tool.places.length === 0 ? <p className="p-4 text-dim">{words.noPlace}</p> : null}
          <ul>
            {tool.places.map(({ worker, state, inFlight, reason, file, line }) => (
              <li key={worker} className="border-b border-line px-4 py-2.5 last:border-b-0">
                <div className="flex items-center justify-between gap-3">
                  <span>
                    {words.place(worker)} <span className="text-dim">· {words.inFlight(inFlight)}</span>
                  </span>
                  <ToolState state={state} />
                </div>
                {reason === null ? null : <p className="text-sm text-bad">{reason}</p>}
                {file === null ? null : (
                  <p className="font-mono text-sm text-dim">
                    {file}
                    {line === null ? '' : `:${line}`}
                  </p>
                )}
              </li>
            ))}
          </ul>
        </Card>
        {errors.length === 0 ? null : (
          <Card title={words.ownErrors} flush>
            <ul>
              {errors.map(([code, { message, blame }]) => (
                <li key={code} className="border-b border-line px-4 py-2.5 last:border-b-0">
                  <p>{message}</p>
                  <p className="text-sm text-dim">
                    <span className="font-mono">{code}</span> · {words.blame[blame ?? ''] ?? blame}
                  </p>
                </li>
              ))}
            </ul>
          </Card>
        )}
      </div>
    </div>
  )
}

function Schema({ title, of }: { title: string; of: unknown }) {
  const schema = schemaOf(of)
  const lines = linesOf(schema)
  return (
    <Card title={title} flush>
      {lines.length === 0 ? (
        <p className="p-4 text-dim">{schema.type === 'object' ? words.noFields : saidOf(schema)}</p>
      ) : (
        <ul>
          {lines.map(({ path, name, depth, schema: one, required }) => (
            <li
              key={path}
              className="border-b border-line py-2 pr-4 last:border-b-0"
              style={{ paddingLeft: `${1 + depth * 1.25}rem` }}
            >
              <p className="flex flex-wrap items-baseline gap-x-2">
                <span className="font-mono font-medium">{name}</span>
                <span className="text-sm text-dim">{saidOf(one)}</span>
                {required && one.default === undefined ? <Badge>{words.required}</Badge> : null}
                {one.default === undefined ? null : (
                  <span className="text-sm text-faint">{words.orDefault(JSON.stringify(one.default))}</span>
                )}
              </p>
              {one.description === undefined ? null : <p className="text-sm text-dim">{one.description}</p>}
            </li>
          ))}
        </ul>
      )}
      <details className="border-t border-line px-4 py-2.5">
        <summary className="text-sm text-dim">{words.schema}</summary>
        <div className="mt-2">
          <JsonView value={of} label={`${title}: ${words.schema}`} />
        </div>
      </details>
    </Card>
  )
}
