/** The workers in Python by their own tests, and what they say of failures beside what is said here. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { FAILURES, type FailureCode, WORDS, WORDS_INSIDE } from '../src/providers/failure-table.ts'
import { fromErrorInside, fromStatus } from '../src/providers/failures.ts'

const WORKERS = fileURLToPath(new URL('../workers/', import.meta.url))
const there = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']).status === 0
if (!there) console.warn('There is no Python 3.10 here: the workers in Python are not tried.')

function python(args: readonly string[], input = ''): unknown {
  const ran = spawnSync('python3', args, { cwd: WORKERS, input, encoding: 'utf8', timeout: 60_000 })
  expect(ran.stderr.replaceAll(/^\{.*\}\n/gm, '')).toBe('')
  return JSON.parse(ran.stdout)
}

describe.skipIf(!there)('the workers in Python', () => {
  test('keep their own promises, and their tests reach at least four fifths of each of them', () => {
    const report = python(['tests/coverage.py']) as Record<string, unknown> & { coverage: Record<string, number> }
    expect(report).toMatchObject({ failed: 0, skipped: 0, said: '' })
    expect(report['tests']).toBeGreaterThanOrEqual(50)
    const workers = ['health_check.py', 'millrace_models.py', 'millrace_worker.py', 'probe.py']
    expect(Object.keys(report.coverage)).toEqual(expect.arrayContaining(workers))
    expect(Object.entries(report.coverage).filter(([, percent]) => percent < 80)).toEqual([])
  })

  test('have the same codes, sentences and second tries as the table of failures', () => {
    const theirs = python(['-c', 'import json, millrace_worker as w; print(json.dumps(w.FAILURES))'])
    const own = new Set<FailureCode>(['WORKER_CRASH', 'WORKER_PROTOCOL'])
    const ours = (Object.keys(FAILURES) as FailureCode[])
      .filter((code) => !own.has(code))
      .map((code) => [code, [FAILURES[code].message, FAILURES[code].retries > 0]])
    expect(theirs).toEqual(Object.fromEntries(ours))
  })

  test('take every status, header and body for the same failure as this program does', () => {
    const words = [...Object.keys(WORDS), ...Object.keys(WORDS_INSIDE), 'BILLING_ERROR', 'x']
    const bodies = [
      '<html>',
      '',
      ...words.map((code) => JSON.stringify({ error: { code, message: 'no' } })),
      ...words.map((type) => JSON.stringify([{ error: { type } }])),
      ...words.map((code) => JSON.stringify({ error: 'no', code })),
      ...['temperature', 'max_tokens', 'other'].map((param) => JSON.stringify({ error: { param, code: null } })),
      JSON.stringify({ error: { code: 'x', innererror: { code: 'ResponsibleAIPolicyViolation' } } }),
    ]
    const headers: Record<string, string>[] = [
      {},
      { 'retry-after': '7' },
      { 'retry-after-ms': '1500', 'retry-after': '2' },
      { 'retry-after': '-3' },
      { 'retry-after': 'soon' },
      { 'retry-after': '1e9' },
      { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' },
    ]
    const statuses = [302, 400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 425, 429, 451, 500, 502, 503, 529, 599]
    const cases = statuses.flatMap((status) => [
      ...bodies.map((body) => ({ status, headers: {}, body })),
      ...headers.map((one) => ({ status, headers: one, body: '' })),
    ])
    const inside = [
      ...bodies.filter((body) => body.startsWith('{')),
      '{"error":{"code":502}}',
      '{"error":{"code":"429"}}',
    ]
    const script = `
import json, sys
from millrace_models import _inside, classify
given = json.load(sys.stdin)
said = [classify(c["status"], c["headers"], c["body"].encode()) for c in given["cases"]]
said += [_inside(json.loads(body)) for body in given["inside"]]
print(json.dumps([{"code": e.code, "retryable": e.retryable, "retryAfter": e.retry_after, "details": e.details} for e in said]))`
    const theirs = python(['-c', script], JSON.stringify({ cases, inside }))
    const ours = [
      ...cases.map((one) => fromStatus(one.status, one.headers, one.body)),
      ...inside.map((body) => fromErrorInside(JSON.parse(body))),
    ].map(({ code, retryable, retryAfter, details }) => ({
      code,
      retryable,
      retryAfter: retryAfter ?? null,
      details: details ?? null,
    }))
    expect(theirs).toEqual(ours)
    expect(ours.length).toBeGreaterThan(400)
  })
})
