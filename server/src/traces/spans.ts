/**
 * Spans, for whoever has an OpenTelemetry SDK in the process (`--import`); without
 * one nothing is recorded and nothing is asked of the database.  Attributes are
 * names, numbers and codes: no text of a person, a model or a provider.
 */
import {
  context,
  INVALID_SPAN_CONTEXT,
  ProxyTracerProvider,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanKind,
} from '@opentelemetry/api'
import { ERROR_TYPE, LIBRARY } from './names.ts'

export const isRecorded = (): boolean => {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(LIBRARY) !== undefined
}

export interface SpanOf {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
  /** Default: what is active. */
  readonly parent?: Context
}

export function begin({ name, kind, attributes, parent = context.active() }: SpanOf): { span: Span; inside: Context } {
  const span = trace.getTracer(LIBRARY).startSpan(name, { kind, attributes }, parent)
  return { span, inside: trace.setSpan(parent, span) }
}

const UNRECORDED = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)

/** The span lasts as long as the work; what it throws is told by its code alone. */
export async function within<T>(
  of: SpanOf,
  codeOf: (error: unknown) => string,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  if (!isRecorded()) return work(UNRECORDED)
  const { span, inside } = begin(of)
  try {
    return await context.with(inside, () => work(span))
  } catch (error) {
    fail(span, codeOf(error))
    throw error
  } finally {
    span.end()
  }
}

export function fail(span: Span, code: string): void {
  span.setAttribute(ERROR_TYPE, code)
  span.setStatus({ code: SpanStatusCode.ERROR })
}
