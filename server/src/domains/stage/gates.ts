/**
 * The one evaluator of gates, for the worker, the preview and the tests: pure, over
 * facts that somebody gathered.  Every result says what was looked at and what was
 * found; what it does not understand has not passed.
 */
import { isPattern, matchesPattern } from './documents/path.ts'
import { missingSections } from './documents/sections.ts'
import { gateSchema, type Gate, type Operator } from './recipes/gate.ts'

export interface Facts {
  /** The newest version of each. */
  readonly documents: readonly { readonly path: string; readonly version: number; readonly content: string }[]
  readonly artifacts: readonly { readonly type: string; readonly label: string; readonly uri: string | null }[]
  /** The newest value of each. */
  readonly metrics: readonly { readonly name: string; readonly value: number; readonly unit: string }[]
  /** What tools said, by the gate's id; a gate that is missing here was not asked. */
  readonly asked?: ReadonlyMap<string, ToolSaid>
}

export interface ToolSaid {
  readonly passed: boolean
  readonly evidence: unknown
}

export interface GateResult {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly required: boolean
  /** Null: a tool answers this, and nobody has asked it. */
  readonly passed: boolean | null
  /** Why it has not passed. */
  readonly message: string | null
  /** What was looked for and what was found. */
  readonly evidence: Readonly<Record<string, unknown>>
}

type Found = Pick<GateResult, 'passed' | 'message' | 'evidence'>

/** Paths and labels that are shown of those that were found. */
const MOST_SHOWN = 20

/** Of definitions as they are stored: one that is no gate has not passed. */
export function evaluateGates(definitions: readonly unknown[], facts: Facts): GateResult[] {
  return definitions.map((definition, i) => {
    const gate = gateSchema.safeParse(definition)
    return gate.success ? evaluate(gate.data, facts) : unknownGate(definition, i)
  })
}

/** Does anything keep the card from going on? */
export function blocks(results: readonly Pick<GateResult, 'required' | 'passed'>[]): boolean {
  return results.some(({ required, passed }) => required && passed !== true)
}

function evaluate(gate: Gate, facts: Facts): GateResult {
  const { id, name = id, type, required, message } = gate
  const found = look(gate, facts)
  return { id, name, type, required, ...found, message: found.passed === true ? null : (message ?? found.message) }
}

function look(gate: Gate, facts: Facts): Found {
  switch (gate.type) {
    case 'file_exists':
      return fileExists(gate.config.pattern, facts)
    case 'content_check':
      return contentCheck(gate.config.file, gate.config.requiredSections, facts)
    case 'artifact_exists':
      return artifactExists(gate.config.artifactType, gate.config.label, facts)
    case 'metric_threshold':
      return metricThreshold(gate.config, facts)
    default:
      return toolSaid(gate.id, gate.config.tool, facts)
  }
}

function fileExists(pattern: string, { documents }: Facts): Found {
  const named = documents.filter(({ path }) => (isPattern(pattern) ? matchesPattern(path, pattern) : path === pattern))
  const filled = named.filter(({ content }) => content.trim() !== '')
  const empty = named.filter(({ content }) => content.trim() === '')
  const why = empty.length > 0 ? `${pattern} is there and empty.` : `There is no document ${pattern}.`
  return verdict(filled.length > 0, why, {
    pattern,
    found: shown(filled.map(({ path, version }) => ({ path, version }))),
    ...(empty.length === 0 ? {} : { empty: shown(empty.map(({ path }) => path)) }),
  })
}

function contentCheck(file: string, requiredSections: readonly string[], { documents }: Facts): Found {
  const document = documents.find(({ path }) => path === file)
  if (document === undefined) return verdict(false, `There is no document ${file}.`, { file, requiredSections })
  const { missing, empty } = missingSections(document.content, requiredSections)
  const why = [
    missing.length === 0 ? '' : `it has no section ${missing.join(', ')}`,
    empty.length === 0 ? '' : `nothing stands under ${empty.join(', ')}`,
  ]
  return verdict(missing.length + empty.length === 0, `${file}: ${why.filter(Boolean).join('; ')}.`, {
    file,
    version: document.version,
    requiredSections,
    missing,
    empty,
  })
}

function artifactExists(artifactType: string, label: string | undefined, { artifacts }: Facts): Found {
  const found = artifacts.filter((one) => one.type === artifactType && (label === undefined || one.label === label))
  const named = label === undefined ? '' : ` labelled ${label}`
  return verdict(found.length > 0, `There is no artifact of the type ${artifactType}${named}.`, {
    artifactType,
    ...(label === undefined ? {} : { label }),
    found: shown(found.map((one) => ({ label: one.label, uri: one.uri }))),
  })
}

interface Threshold {
  readonly metric: string
  readonly threshold: number
  readonly operator: Operator
  readonly unit: string
}

function metricThreshold({ metric, threshold, operator, unit }: Threshold, { metrics }: Facts): Found {
  const wanted = { metric, operator, threshold, unit }
  const found = metrics.find(({ name }) => name === metric)
  if (found === undefined) return verdict(false, `There is no metric ${metric}.`, wanted)
  const evidence = { ...wanted, value: found.value, measuredIn: found.unit }
  if (found.unit !== unit)
    return verdict(false, `${metric} is measured in ${found.unit}, and not in ${unit}.`, evidence)
  const why = `${metric} is ${found.value} ${unit}; it must be ${operator} ${threshold}.`
  return verdict(COMPARE[operator](found.value, threshold), why, evidence)
}

const COMPARE: Readonly<Record<Operator, (value: number, threshold: number) => boolean>> = {
  '>=': (value, threshold) => value >= threshold,
  '>': (value, threshold) => value > threshold,
  '<=': (value, threshold) => value <= threshold,
  '<': (value, threshold) => value < threshold,
  '==': (value, threshold) => value === threshold,
  '!=': (value, threshold) => value !== threshold,
}

function toolSaid(id: string, tool: string, { asked }: Facts): Found {
  const said = asked?.get(id)
  if (said === undefined) return { passed: null, message: `The tool ${tool} was not asked.`, evidence: { tool } }
  return verdict(said.passed, `The tool ${tool} says no.`, { tool, said: said.evidence })
}

function verdict(passed: boolean, why: string, evidence: Readonly<Record<string, unknown>>): Found {
  return { passed, message: passed ? null : why, evidence }
}

function shown<T>(all: readonly T[]): readonly T[] {
  return all.slice(0, MOST_SHOWN)
}

/** Fails closed, and blocks whatever it says of being required: nobody can read it. */
function unknownGate(definition: unknown, place: number): GateResult {
  const said = typeof definition === 'object' && definition !== null ? (definition as Record<string, unknown>) : {}
  const id = typeof said['id'] === 'string' ? said['id'].slice(0, 64) : `gate ${place + 1}`
  return {
    id,
    name: id,
    type: 'unknown',
    required: true,
    passed: false,
    message: 'This gate is not one that can be evaluated.',
    evidence: { place: place + 1 },
  }
}
