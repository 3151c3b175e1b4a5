/**
 * Synthetic practices: organisations, people, questionnaires and hundreds of
 * assessments, the same ones for the same seed.  Nobody in it exists; addresses end
 * in `.invalid`.  For trying the system, never for deciding about a person.
 */
import { createHash } from 'node:crypto'
import { FUNNELS, type Question } from './funnels.ts'
import { CONCERNS, FAMILY, GIVEN, INSTRUCTION, NOTES, STREETS } from './texts.ts'

/** How an assessment is filled in. */
export const PROFILES = ['healthy', 'risky', 'contradictory', 'missing', 'empty', 'unfinished'] as const
export type Profile = (typeof PROFILES)[number]

type Row = Record<string, unknown>
/** Rows by table, in the order in which they stand on one another. */
export type Practice = Readonly<Record<(typeof TABLES)[number], readonly Row[]>>
export const TABLES = [
  'organisations',
  'clinicians',
  'patients',
  'identities',
  'assignments',
  'people',
  'funnels',
  'funnel_versions',
  'questions',
  'assessments',
  'answers',
  'scores',
  'anamnesis_notes',
] as const

const ORGANISATIONS = ['Practice at the Harbour (synthetic)', 'Lindenhof Clinic (synthetic)']
const CLINICIANS = 4
const PATIENTS_WITH_A_LOGIN = 5
const NOW = Date.parse('2026-11-01T09:00:00Z')
const DAY = 86_400_000

export function makePractice(workspace: number, patients: number, seed: number): Practice {
  const dice = openDice(seed)
  const rows = Object.fromEntries(TABLES.map((table) => [table, [] as Row[]])) as Record<(typeof TABLES)[number], Row[]>
  for (const [o, name] of ORGANISATIONS.entries()) {
    const organisation = idOf(seed, 'organisation', o)
    const home = { workspace_id: workspace, organisation_id: organisation }
    rows.organisations.push({ id: organisation, workspace_id: workspace, name, created_at: at(-700) })
    rows.people.push({ ...home, subject: `admin-${o + 1}`, role: 'admin', clinician_id: null, patient_id: null })
    const clinicians = Array.from({ length: CLINICIANS }, (_, c) => {
      const id = idOf(seed, 'clinician', o, c)
      rows.clinicians.push({ ...home, id, name: `Dr. ${dice.one(FAMILY)} (invented)`, created_at: at(-600) })
      rows.people.push({
        ...home,
        subject: `clinician-${o + 1}-${c + 1}`,
        role: 'clinician',
        clinician_id: id,
        patient_id: null,
      })
      return id
    })
    const versions = makeFunnels(rows, home, seed)
    const mine = Math.ceil(patients / ORGANISATIONS.length)
    for (let p = 0; p < Math.min(mine, patients - o * mine); p++) {
      const patient = makePatient(rows, home, dice, idOf(seed, 'patient', o, p), p)
      if (p < PATIENTS_WITH_A_LOGIN) {
        rows.people.push({
          ...home,
          subject: `patient-${o + 1}-${p + 1}`,
          role: 'patient',
          clinician_id: null,
          patient_id: patient.id,
        })
      }
      const treating = clinicians[p % CLINICIANS]
      rows.assignments.push({
        ...home,
        clinician_id: treating,
        patient_id: patient.id,
        since: at(-300),
        ended_at: null,
      })
      if (p % 10 === 0) {
        // Was treated by somebody else before.
        rows.assignments.push({
          ...home,
          clinician_id: clinicians[(p + 1) % CLINICIANS],
          patient_id: patient.id,
          since: at(-500),
          ended_at: at(-300),
        })
      }
      for (let n = 0; n < 2 + (p % 3); n++) {
        const profile = PROFILES[(p + n) % PROFILES.length] ?? 'healthy'
        const version = versions[(p * 2 + n) % versions.length]
        if (version === undefined) continue
        makeAssessment(
          rows,
          home,
          dice,
          patient,
          version,
          profile,
          idOf(seed, 'assessment', o, p, n),
          -200 + n * 30 + (p % 20),
        )
      }
    }
  }
  return rows
}

interface Home {
  readonly workspace_id: number
  readonly organisation_id: string
}
type Rows = Record<(typeof TABLES)[number], Row[]>
interface Version {
  readonly id: string
  readonly questions: readonly Question[]
}
interface Patient {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly phone: string
  readonly born: string
}

function makeFunnels(rows: Rows, home: Home, seed: number): Version[] {
  return FUNNELS.flatMap((funnel) => {
    const id = idOf(seed, 'funnel', home.organisation_id, funnel.slug)
    rows.funnels.push({ ...home, id, slug: funnel.slug, title: funnel.title })
    return funnel.versions.map((questions, v) => {
      const version = idOf(seed, 'version', id, v)
      rows.funnel_versions.push({ ...home, id: version, funnel_id: id, version: v + 1 })
      for (const [position, question] of questions.entries()) {
        rows.questions.push({
          ...home,
          version_id: version,
          question_id: question.id,
          position,
          label: question.label,
          type: question.type,
          required: question.optional !== true,
          least: 'least' in question ? question.least : null,
          most: 'most' in question ? question.most : null,
          options:
            'options' in question
              ? question.options.map((value) => ({ value, label: value.replaceAll('_', ' ') }))
              : null,
        })
      }
      return { id: version, questions }
    })
  })
}

function makePatient(rows: Rows, home: Home, dice: Dice, id: string, p: number): Patient {
  const name = `${dice.one(GIVEN)} ${dice.one(FAMILY)}`
  const born = new Date(NOW - (18 + dice.below(75)) * 365.25 * DAY - dice.below(365) * DAY).toISOString().slice(0, 10)
  const email = `${name.toLowerCase().replaceAll(/[^a-z]+/g, '.')}${p}@mail.invalid`
  const phone = `+49 ${150 + dice.below(29)} ${1_000_000 + dice.below(8_999_999)}`
  rows.patients.push({
    ...home,
    id,
    sex: dice.one(['female', 'male', 'other', null]),
    created_at: at(-400 + (p % 100)),
  })
  rows.identities.push({
    ...home,
    patient_id: id,
    name,
    email,
    phone,
    address: `${dice.one(STREETS)} ${1 + dice.below(90)}`,
    birth_date: born,
  })
  for (const [type, texts] of Object.entries(NOTES)) {
    if (dice.below(3) > 0) continue
    const content = p % 7 === 0 ? `${dice.one(texts)} ${name} was told by phone (${phone}).` : dice.one(texts)
    rows.anamnesis_notes.push({
      ...home,
      id: idOf(id, type),
      patient_id: id,
      type,
      content,
      created_at: at(-250 + dice.below(100)),
    })
  }
  return { id, name, email, phone, born }
}

function makeAssessment(
  rows: Rows,
  home: Home,
  dice: Dice,
  patient: Patient,
  { id: version, questions }: Version,
  profile: Profile,
  id: string,
  day: number,
) {
  const whose = { ...home, patient_id: patient.id }
  const open = profile === 'unfinished'
  rows.assessments.push({
    ...whose,
    id,
    version_id: version,
    status: open ? 'in_progress' : 'completed',
    created_at: at(day),
    completed_at: open ? null : at(day + 1),
  })
  if (profile === 'empty') return
  const asked = questions.filter((question, q) => {
    if (profile === 'missing') return question.optional !== true
    return !open || q < questions.length / 2
  })
  const goodness: number[] = []
  for (const [q, question] of asked.entries()) {
    // Contradictory answers say one thing and then the other.
    const well = profile === 'contradictory' ? q % 2 === 0 : profile !== 'risky'
    const { value, good } = answerTo(question, well, dice, patient)
    if (good !== undefined) goodness.push(good)
    rows.answers.push({ ...whose, assessment_id: id, question_id: question.id, value })
  }
  if (open || goodness.length === 0) return
  const score = Math.round((1 - goodness.reduce((sum, good) => sum + good, 0) / goodness.length) * 1000) / 10
  const level = score < 40 ? 'low' : score < 70 ? 'moderate' : 'high'
  rows.scores.push({ ...whose, assessment_id: id, name: 'burden', score, level })
}

/** `good` is from 0 to 1, for questions that have a good and a bad end. */
function answerTo(question: Question, well: boolean, dice: Dice, patient: Patient): { value: unknown; good?: number } {
  switch (question.type) {
    case 'scale':
    case 'number': {
      const { least, most, high } = question
      if (question.id === 'age') return { value: Math.floor((NOW - Date.parse(patient.born)) / 365.25 / DAY) }
      if (question.id === 'sleep_hours')
        return { value: well ? 7 + dice.below(3) : 3 + dice.below(3), good: well ? 1 : 0.2 }
      const part = high === 'neither' ? 0.3 + dice.below(3) / 10 : (well ? 0.75 : 0) + dice.below(26) / 100
      const value = Math.round(least + (high === 'bad' ? 1 - part : part) * (most - least))
      return high === 'neither' ? { value } : { value, good: part }
    }
    case 'choice': {
      const { options } = question
      const at = well ? 0 : options.length - 1
      return { value: options[at], good: well ? 1 : 0 }
    }
    case 'choices':
      return { value: well ? [question.options[0]] : question.options.slice(1, 3) }
  }
  return { value: concern(well, dice, patient) }
}

/** Some tell who they are, some tell the model what to do. */
function concern(well: boolean, dice: Dice, { name, email, phone, born }: Patient): string {
  const said = dice.one(CONCERNS[well ? 'good' : 'bad'])
  switch (dice.below(4)) {
    case 0:
      return `${said} Please call me back: ${name}, ${phone} or ${email}.`
    case 1:
      return `My name is ${name}, born ${born}. ${said}`
    case 2:
      return dice.below(2) === 0 ? `${said} ${INSTRUCTION}` : said
    default:
      return said
  }
}

interface Dice {
  /** A whole number from 0 up to `most`. */
  below(most: number): number
  one<T>(of: readonly T[]): T
}

function openDice(seed: number): Dice {
  let state = seed >>> 0
  // Mulberry32.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (most: number) => Math.floor(next() * most)
  return { below, one: (of) => of[below(of.length)] as (typeof of)[number] }
}

function idOf(...of: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(JSON.stringify(of)).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function at(days: number): string {
  return new Date(NOW + days * DAY).toISOString()
}
