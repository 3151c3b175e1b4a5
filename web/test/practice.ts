/** A practice with patients, and people of the console who are a clinician and a patient in it. */
import type { Page } from 'playwright-core'
import { operator } from '../../server/src/app.ts'
import { setRole } from '../../server/src/access/people.ts'
import { generate } from '../../server/src/domains/diagnosis/synthetic/generate.ts'
import { plant } from '../../server/testing/diagnosis.ts'
import type { Stage } from './stage.ts'

export async function openPractice(stage: Stage) {
  await generate(stage.http.engine, operator, { workspace: 1, patients: 6, seed: 7 })
  const planted = await plant(stage.http.db, stage.http.engine)
  const clinician = await stage.person({ role: 'member' })
  const patient = await stage.person({ role: 'viewer' })
  const subjectOf = async (one: Page) =>
    ((await (await one.request.get(`${stage.http.url}/api/me`)).json()) as { sub: string }).sub
  const set = 'update diagnosis.people set subject = $1 where subject = $2'
  await stage.http.db.sql(set, [await subjectOf(clinician), 'clinician-1-1'])
  const himself = await subjectOf(patient)
  await stage.http.db.sql(set, [himself, 'canary'])
  // A patient is in no workspace.
  await setRole(stage.http.engine, operator, 1, Number(himself.slice('user:'.length)), null)
  return { planted, clinician, patient }
}
