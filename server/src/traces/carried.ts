/** A trace goes from the request that starts a run, through the database, to whoever performs it. */
import { context, isSpanContextValid, ROOT_CONTEXT, SpanKind, trace, type Context } from '@opentelemetry/api'
import {
  TaskFailed,
  type AnyRunKind,
  type AnyTaskKind,
  type Engine,
  type Hand,
  type Room,
  type Tx,
} from '@millrace/engine'
import { RUN } from './names.ts'
import { isRecorded, within } from './spans.ts'

export const tracesRoom: Room = {
  name: 'traces',
  migrations: new URL('migrations/', import.meta.url),
  texts: [new URL('traces.sql', import.meta.url)],
}

/** The same engine; a run that is started within a trace remembers it. */
export function carrying(engine: Engine): Engine {
  return {
    ...engine,
    start: (who, kind, input, options) =>
      engine.start(who, kind, input, {
        ...options,
        async alongside(tx, run) {
          await options.alongside?.(tx, run)
          await carry(tx, run, options.workspace)
        },
      }),
  }
}

async function carry(tx: Tx, run: number, workspace: number): Promise<void> {
  const active = trace.getSpanContext(context.active())
  if (active === undefined || !isSpanContextValid(active)) return
  const flags = active.traceFlags.toString(16).padStart(2, '0')
  await tx.query('insert into traces.carried (run_id, workspace_id, traceparent) values ($1, $2, $3)', [
    run,
    workspace,
    `00-${active.traceId}-${active.spanId}-${flags}`,
  ])
}

/** The same kind; each attempt at one of its tasks is a span of the trace that its run came with. */
export function traced<K extends AnyRunKind>(kind: K): K {
  return {
    ...kind,
    // Asked when a worker starts: a kind may have come to know more of them by then.
    get tasks() {
      return kind.tasks.map(tracedTask)
    },
  }
}

function tracedTask(kind: AnyTaskKind): AnyTaskKind {
  const perform = kind.perform as (hand: Hand<unknown>) => Promise<unknown>
  return {
    ...kind,
    async perform(hand: Hand<unknown>) {
      if (!isRecorded()) return perform(hand)
      const attributes = {
        [RUN.kind]: kind.name,
        [RUN.run]: hand.run,
        [RUN.task]: hand.task,
        [RUN.attempt]: hand.attempt,
        [RUN.workspace]: hand.workspace,
      }
      const parent = await origin(hand.read, hand.run)
      return within({ name: `task ${kind.name}`, kind: SpanKind.CONSUMER, attributes, parent }, codeOf, () =>
        perform(hand),
      )
    },
  }
}

const codeOf = (error: unknown) => (error instanceof TaskFailed ? error.failure.code : 'UNKNOWN')

/** Runs whose origin is remembered, for each worker of this process: two may be of two databases. */
const MOST = 1_000
const remembered = new WeakMap<Tx['query'], Map<number, Promise<Context>>>()

function origin(read: Tx['query'], run: number): Promise<Context> {
  const origins = remembered.get(read) ?? new Map<number, Promise<Context>>()
  remembered.set(read, origins)
  const known = origins.get(run)
  if (known !== undefined) return known
  if (origins.size >= MOST) origins.clear()
  const looked = look(read, run).catch(() => {
    // A trace is not worth a task: it begins anew.
    origins.delete(run)
    return ROOT_CONTEXT
  })
  origins.set(run, looked)
  return looked
}

async function look(read: Tx['query'], run: number): Promise<Context> {
  const { rows } = await read<{ traceparent: string }>('select traceparent from traces.carried where run_id = $1', [
    run,
  ])
  const [, traceId, spanId, flags] = rows[0]?.traceparent.split('-') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true })
}
