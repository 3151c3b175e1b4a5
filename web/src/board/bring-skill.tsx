/** A skill that is brought as an archive, or written here. */
import { useState } from 'react'
import { useLocation } from 'wouter'
import { ask, problemIn, type BroughtSkill } from '../api.ts'
import { askAgain } from '../asked.ts'
import { Button, Dialog, Field, Input, Problem, Switch, tell, Textarea, useAct } from '../ui/index.ts'
import { words } from '../words/skills.ts'
import { paramsOf } from './recipe-draft.ts'

type Trouble = ReturnType<typeof problemIn>

function useBringing(onClose: () => void) {
  const [, go] = useLocation()
  const [problem, setProblem] = useState<Trouble>()
  const [busy, act] = useAct((error) => setProblem(problemIn(error)))
  const bring = (body: () => Promise<Parameters<typeof ask<'post', '/api/skills'>>[2]['body']>) =>
    act(async () => {
      setProblem(undefined)
      const { skill, outcome } = (await ask('post', '/api/skills', { body: await body() })) as BroughtSkill
      tell(words.outcome[outcome])
      askAgain('/api/skills')
      onClose()
      go(`/skills/${skill.id}`)
    })
  return { busy, problem, bring }
}

export function ImportSkill({ onClose }: { onClose: () => void }) {
  const { busy, problem, bring } = useBringing(onClose)
  const [file, setFile] = useState<File>()
  const [within, setWithin] = useState('')
  const [pin, setPin] = useState(false)
  const go = () =>
    bring(async () => ({
      action: 'import',
      archive: await base64(file),
      ...(within.trim() === '' ? {} : { within: within.trim() }),
      ...(pin ? { pinVersion: true } : {}),
    }))
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.import}
      lead={words.importLead}
      actions={
        <Button look="primary" busy={busy} disabled={file === undefined} onClick={go}>
          {words.import}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <label className="flex flex-col gap-1 text-sm font-medium">
          {words.file}
          <input
            type="file"
            accept=".zip,.tar,.gz,.tgz"
            className="text-base font-normal"
            onChange={({ target }) => setFile(target.files?.[0])}
          />
        </label>
        <Field label={words.within} hint={words.withinHint}>
          <Input value={within} onChange={setWithin} maxLength={300} />
        </Field>
        <Switch label={words.pin} checked={pin} onChange={setPin} />
        {problem === undefined ? null : <Problem problem={problem} />}
      </div>
    </Dialog>
  )
}

async function base64(file: File | undefined): Promise<string> {
  if (file === undefined) return ''
  const address = await new Promise<string>((done, failed) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => done(typeof reader.result === 'string' ? reader.result : ''))
    reader.addEventListener('error', () => failed(reader.error ?? new Error('unreadable')))
    reader.readAsDataURL(file)
  })
  return address.slice(address.indexOf(',') + 1)
}

export function CreateSkill({ onClose }: { onClose: () => void }) {
  const { busy, problem, bring } = useBringing(onClose)
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [promptTemplate, setPrompt] = useState('')
  const [input, setInput] = useState('')
  const [output, setOutput] = useState('')
  const schemas = { inputSchema: paramsOf(input), outputSchema: paramsOf(output) }
  const ready =
    name.trim() !== '' &&
    description.trim() !== '' &&
    promptTemplate.trim() !== '' &&
    schemas.inputSchema !== undefined &&
    schemas.outputSchema !== undefined
  const go = () =>
    bring(async () => ({
      action: 'create',
      name: name.trim(),
      description: description.trim(),
      promptTemplate,
      ...(input.trim() === '' || schemas.inputSchema === undefined ? {} : { inputSchema: schemas.inputSchema }),
      ...(output.trim() === '' || schemas.outputSchema === undefined ? {} : { outputSchema: schemas.outputSchema }),
    }))
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={words.new}
      actions={
        <Button look="primary" busy={busy} disabled={!ready} onClick={go}>
          {words.create}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={words.name}>
          <Input value={name} onChange={setName} maxLength={200} />
        </Field>
        <Field label={words.description}>
          <Textarea value={description} onChange={setDescription} rows={2} maxLength={4_000} />
        </Field>
        <Field label={words.prompt} hint={words.promptHint}>
          <Textarea mono value={promptTemplate} onChange={setPrompt} rows={8} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={words.inputSchema} problem={schemas.inputSchema === undefined ? words.noJson : undefined}>
            <Textarea mono value={input} onChange={setInput} rows={5} />
          </Field>
          <Field label={words.outputSchema} problem={schemas.outputSchema === undefined ? words.noJson : undefined}>
            <Textarea mono value={output} onChange={setOutput} rows={5} />
          </Field>
        </div>
        {problem === undefined ? null : <Problem problem={problem} />}
      </div>
    </Dialog>
  )
}
