/** A diagnosis by the wire of the vendor that is asked by default, at the simulator. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { adviceFor, requestFor } from '../src/domains/diagnosis/prompt.ts'
import { checkReply } from '../src/domains/diagnosis/result.ts'
import { openProviders } from '../src/providers/catalogue.ts'
import { isFailure } from '../src/providers/failures.ts'
import { generate } from '../src/providers/provider.ts'
import { startSimulator, type Simulator } from '../src/simulator/simulator.ts'
import { openPractice, type Practice } from '../testing/diagnosis.ts'

const model = readConfig({}).diagnosisModel
let simulator: Simulator
let practice: Practice
let gone = false
beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, plan: () => (gone ? 'not-found' : undefined) })
  practice = await openPractice(4, { catalogue: openProviders({ simulator: simulator.url }), model })
  await practice.startWorker()
})
afterAll(async () => {
  await practice?.close()
  await simulator?.close()
})

test('the model of the default setting answers in the shape that is asked for', async () => {
  expect(model).toBe('anthropic:claude-sonnet-4-5-20250929')
  const resolved = openProviders({ simulator: simulator.url }).resolve(model)
  if (isFailure(resolved)) throw new Error(resolved.code)
  const pack = {
    assessment_data: { id: 'a', answers: [{ question_id: 'q', label: 'How are you?', value: 2 }], created_at: 'today' },
    funnel_config: { funnel: 'f', funnel_id: 'f', version: 1 },
    patient_context: { patient_id: 'p', patient_created_at: 'before' },
  }
  const { answer } = await generate(resolved.provider, requestFor(resolved.model, pack), AbortSignal.timeout(20_000))
  expect(answer?.modelVersion).toBe('claude-sonnet-4-5-20250929')
  expect(checkReply(answer?.json)).toMatchObject({ reply: { diagnosis: {}, confidence: expect.any(Number) } })
})

test('a model that the provider has no more fails at once, and its successor is named', async () => {
  gone = true
  const { id } = await practice.ask(practice.planted.assessment)
  expect(await practice.ended(id)).toMatchObject({
    status: 'failed',
    attempts: 1,
    errors: [{ code: 'LLM_ERROR', details: { gone: true, status: 404 } }],
  })
  expect(adviceFor(model)).toContain('DIAGNOSIS_MODEL=anthropic:claude-sonnet-5,')
})
