/** The recipes of the stages: looked at and edited, with what saving would say while one types. */
import { ChefHat, Plus, Save, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link as Way, useLocation, useParams } from 'wouter'
import { ask, problemIn, type Answer, type Skill, type StageRecipe } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Dialog,
  Empty,
  Page,
  Select,
  States,
  Switch,
  tell,
  tellProblem,
  useAct,
} from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { words } from '../words/recipes.ts'
import { LevelMark } from './marks.tsx'
import { Parts } from './parts.tsx'
import { draftOf, EMPTY, fieldsOf, newGate, newStep, type Draft } from './recipe-draft.ts'
import { Gates, TryGates } from './recipe-gates.tsx'
import { Steps } from './recipe-steps.tsx'
import { useCheck, Verdict } from './recipe-verdict.tsx'

type Stages = Answer<'get', '/api/board'>['columns']

export default function RecipesPage() {
  const { stage: wanted } = useParams()
  const me = useMe()
  const writes = may(me, 'board:write')
  const [board, again] = useAsked('/api/board', { query: { limit: 50 } })
  const [recipes, askRecipes] = useAsked('/api/stage-recipes', {})
  const [writing, setWriting] = useState(false)
  return (
    <Page
      title={words.title}
      lead={words.lead}
      above={[[ofBoard.title, '/board']]}
      actions={
        writes ? (
          <Button icon={ChefHat} onClick={() => setWriting(true)}>
            {words.initialize}
          </Button>
        ) : undefined
      }
    >
      <Parts />
      <States of={board} again={again} lines={6}>
        {({ columns }) => (
          <States of={recipes} again={askRecipes} lines={6}>
            {({ recipes: all }) => {
              const stage = columns.find(({ key }) => key === wanted) ?? columns[0]
              if (stage === undefined) return null
              const recipe = all.find((one) => one.stage === stage.key)
              return (
                <div className="grid items-start gap-5 lg:grid-cols-[13rem_1fr]">
                  <StageList stages={columns} recipes={all} current={stage.key} />
                  <Editor
                    key={stage.key}
                    stage={stage}
                    recipe={recipe}
                    writes={writes}
                    onInitialize={() => setWriting(true)}
                  />
                </div>
              )
            }}
          </States>
        )}
      </States>
      {writing ? <Initialize onClose={() => setWriting(false)} /> : null}
    </Page>
  )
}

function StageList({ stages, recipes, current }: { stages: Stages; recipes: readonly StageRecipe[]; current: string }) {
  const [, go] = useLocation()
  return (
    <nav aria-label={words.stages}>
      <div className="lg:hidden">
        <Select
          label={ofBoard.stage}
          value={current}
          onChange={(key) => go(`/board/recipes/${key}`)}
          of={stages.map(({ key, name }) => ({ value: key, label: name }))}
        />
      </div>
      <ul className="hidden flex-col overflow-clip rounded-lg border border-line bg-box shadow-low lg:flex">
        {stages.map(({ key, name }) => (
          <li key={key} className="border-b border-line last:border-b-0">
            <Way
              href={`/board/recipes/${key}`}
              aria-current={key === current ? 'page' : undefined}
              className={`block px-3 py-2 ${key === current ? 'bg-wash' : 'hover:bg-sunk'}`}
            >
              <span className="cut block font-medium">{name}</span>
              <LevelMark recipe={recipes.find(({ stage }) => stage === key)} />
            </Way>
          </li>
        ))}
      </ul>
    </nav>
  )
}

const openedAt = (recipe: StageRecipe | undefined) => ({
  base: recipe?.version ?? 0,
  kept: recipe === undefined ? undefined : draftOf(recipe),
})

interface EditorProps {
  readonly stage: Stages[number]
  readonly recipe: StageRecipe | undefined
  readonly writes: boolean
  readonly onInitialize: () => void
}

function Editor({ stage, recipe, writes, onInitialize }: EditorProps) {
  // What is typed stands on this version, whatever others save meanwhile.
  const [opened, setOpened] = useState(() => openedAt(recipe))
  const { base, kept } = opened
  const [draft, setDraft] = useState<Draft | undefined>(kept)
  const [skills] = useAsked('/api/skills', { query: { limit: 200 } })
  const [models] = useAsked('/api/models', {})
  const [busy, act] = useAct((error) => {
    tellProblem(error)
    if (problemIn(error).code === 'RECIPE_CHANGED') {
      setRefused(true)
      askAgain('/api/stage-recipes')
    }
  })
  const [removing, setRemoving] = useState(false)
  const [refused, setRefused] = useState(false)
  const check = useCheck(stage.key, draft)
  const changed =
    draft !== undefined && (kept === undefined || JSON.stringify(fieldsOf(draft)) !== JSON.stringify(fieldsOf(kept)))
  const now = recipe?.version ?? 0
  const take = (newer: StageRecipe | undefined) => {
    const next = openedAt(newer)
    setOpened(next)
    setDraft(next.kept)
    setRefused(false)
  }
  if (now > base && !changed) take(recipe)
  if (draft === undefined) {
    return (
      <section className="rounded-lg border border-line bg-box shadow-low">
        <Empty icon={ChefHat} title={words.none(stage.name)} lead={words.noneLead}>
          {writes ? (
            <>
              <Button look="primary" icon={Plus} onClick={() => setDraft(EMPTY)}>
                {words.begin}
              </Button>
              <Button icon={ChefHat} onClick={onInitialize}>
                {words.initialize}
              </Button>
            </>
          ) : null}
        </Empty>
      </section>
    )
  }
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change })
  const save = (on: number) =>
    act(async () => {
      if (draft === undefined) return
      const body = { ...fieldsOf(draft), baseVersion: on }
      const saved = await ask('patch', '/api/stage-recipes/{stage}', { path: { stage: stage.key }, body })
      take(saved.recipe)
      tell(words.saved)
      askAgain('/api/stage-recipes', '/api/board')
    })
  async function remove() {
    try {
      await ask('delete', '/api/stage-recipes/{stage}', { path: { stage: stage.key }, query: { baseVersion: now } })
      take(undefined)
      tell(words.deleted)
    } catch (error) {
      tellProblem(error)
    }
    askAgain('/api/stage-recipes')
  }
  const known = (skills.data?.items ?? []).filter((one): one is Skill => typeof one.id === 'number')
  const providers = [...new Set([draft.provider, ...(models.data?.providers ?? []).map(({ id }) => id)])]
  return (
    <div className="grid min-w-0 items-start gap-5 xl:grid-cols-[1fr_20rem]">
      <div className="flex min-w-0 flex-col gap-5">
        {(now > base || refused) && changed ? (
          <div role="alert" className="flex flex-col gap-3 rounded-lg border border-warn bg-warn-wash px-4 py-2.5">
            {words.conflict(now)}
            <div className="flex flex-wrap gap-2">
              <Button size="small" onClick={() => take(recipe)}>
                {words.theirs}
              </Button>
              <Button size="small" disabled={check?.valid === false} onClick={() => save(now)}>
                {words.over}
              </Button>
            </div>
          </div>
        ) : null}
        <Card
          title={
            <span className="flex items-center gap-2">
              {stage.name}
              {recipe === undefined ? null : (
                <span className="text-sm font-normal text-faint">{words.version(recipe.version)}</span>
              )}
              {changed ? <Badge tone="warn">{words.changed}</Badge> : null}
            </span>
          }
          actions={
            <Switch
              label={words.enabled}
              checked={draft.enabled}
              disabled={!writes}
              onChange={(enabled) => set({ enabled })}
            />
          }
        >
          <div className="flex flex-wrap gap-3">
            <Select
              label={words.level}
              value={draft.automationLevel}
              onChange={(automationLevel) => set({ automationLevel })}
              of={entries(ofBoard.levels)}
            />
            <Select
              label={words.provider}
              value={draft.provider}
              onChange={(provider) => set({ provider })}
              of={providers.map((value) => ({ value, label: value }))}
            />
            <Select
              label={words.onFail}
              value={draft.onFailBehavior}
              onChange={(onFailBehavior) => set({ onFailBehavior })}
              of={entries(words.onFails)}
            />
          </div>
          <p className="mt-2 text-sm text-dim">{ofBoard.levelSays[draft.automationLevel]}</p>
        </Card>
        <Card
          title={words.steps}
          flush
          actions={
            <Button size="small" look="quiet" icon={Plus} onClick={() => set({ steps: [...draft.steps, newStep()] })}>
              {words.addStep}
            </Button>
          }
        >
          <Steps steps={draft.steps} skills={known} onChange={(steps) => set({ steps })} />
        </Card>
        <Card
          title={words.gates}
          flush
          actions={
            <Button
              size="small"
              look="quiet"
              icon={Plus}
              onClick={() => set({ gates: [...draft.gates, newGate(draft.gates.length + 1)] })}
            >
              {words.addGate}
            </Button>
          }
        >
          <Gates gates={draft.gates} onChange={(gates) => set({ gates })} />
        </Card>
      </div>
      <div className="flex min-w-0 flex-col gap-5 xl:sticky xl:top-5">
        <Verdict validation={check} />
        {writes ? (
          <div className="flex flex-wrap gap-2">
            <Button
              look="primary"
              icon={Save}
              busy={busy}
              disabled={!changed || check?.valid === false}
              onClick={() => save(base)}
            >
              {words.save}
            </Button>
            {changed ? (
              <Button look="quiet" onClick={() => setDraft(kept)}>
                {words.drop}
              </Button>
            ) : null}
            {recipe === undefined ? null : (
              <Button look="danger" icon={Trash2} onClick={() => setRemoving(true)}>
                {words.delete}
              </Button>
            )}
          </div>
        ) : null}
        {recipe === undefined ? null : <TryGates stage={stage.key} />}
      </div>
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={words.deleteAsk(stage.name)}
        lead={words.deleteLead}
        confirm={words.delete}
        onConfirm={() => void remove()}
      />
    </div>
  )
}

const entries = <T extends string>(of: Readonly<Record<T, string>>) =>
  (Object.entries(of) as [T, string][]).map(([value, label]) => ({ value, label }))

function Initialize({ onClose }: { onClose: () => void }) {
  const [models] = useAsked('/api/models', {})
  const [chosen, setProvider] = useState<string>()
  const [busy, act] = useAct()
  const all = models.data?.providers ?? []
  // Who has no key yet begins with the model that needs none, and not with cards that wait.
  const [usual, keyless] = [all.find(({ id }) => id === 'anthropic'), all.find(({ id }) => id === 'fake')]
  const provider = chosen ?? (usual?.failure === null ? usual : (keyless ?? usual))?.id ?? 'anthropic'
  const missing = all.find(({ id }) => id === provider)?.failure?.message
  const go = () =>
    act(async () => {
      const { created, kept } = await ask('post', '/api/stage-recipes', { body: { action: 'initialize', provider } })
      tell(words.written(created.length, kept.length))
      askAgain('/api/stage-recipes', '/api/skills')
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.initialize}
      lead={words.initializeLead}
      actions={
        <Button look="primary" busy={busy || models.data === undefined} onClick={go}>
          {words.initialize}
        </Button>
      }
    >
      <div className="flex flex-col gap-1">
        <Select
          label={words.provider}
          value={provider}
          onChange={setProvider}
          of={all.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <p className="text-sm text-dim">{words.providerHint(provider === 'fake')}</p>
        {missing === undefined ? null : <p className="text-sm text-warn">{words.providerMissing(missing)}</p>}
      </div>
    </Dialog>
  )
}
