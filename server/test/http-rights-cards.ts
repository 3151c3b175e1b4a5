/** The routes of boards, cards and recipes among everybody who may come: where each is asked, and with what. */
import type { Answer } from './http-stage.ts'

/** Who may: everybody; whoever is signed in, about himself; by role in the workspace; who runs the installation. */
export type Class = 'open' | 'self' | 'viewer' | 'member' | 'admin' | 'operator'

export interface Case {
  readonly class?: Class
  /** Made anew for each who may, and once for all who may not. */
  readonly place?: () => Promise<Record<string, string | number>>
  readonly query?: () => string
  /** Itself, or a function of the place. */
  readonly body?: unknown
  /** Stands in the answer of who may, and in that of nobody else. */
  readonly mark?: string
  /** It concerns everybody's installation, or makes something of one's own: another workspace's admin may too. */
  readonly everywhere?: true
  /** What anybody's own errand answers is another test's. */
  readonly skip?: true
}

/** @param ask as who may everything, in the first workspace */
export function cardCases(
  ask: (method: string, path: string, body?: unknown) => Promise<Answer>,
  canary: string,
): Record<string, Case> {
  const everywhere = { everywhere: true } as const
  const newCard = {
    place: async () => ({
      id: (await ask('POST', '/api/cards', { title: canary, stage: 'ga' })).body.card.id as number,
    }),
  }
  const archivedCard = {
    async place() {
      const { id } = await newCard.place()
      await ask('PATCH', `/api/cards/${id}`, { version: 1, status: 'archived' })
      return { id }
    },
  }
  const newWebhook = async () => ({
    id: (await ask('POST', '/api/webhooks', { url: 'https://example.org/hook' })).body.id as number,
  })
  const STAGES = ['inbox', 'validate', 'ga'].map((key) => ({ key, name: key }))
  const onDocument = {
    async place() {
      const { id } = await newCard.place()
      await ask('PUT', `/api/cards/${id}/documents/a.md`, { content: canary, baseVersion: 0 })
      return { id, path: 'a.md' }
    },
  }
  const onRecipe = {
    async place() {
      await ask('PATCH', '/api/stage-recipes/ga', { enabled: true })
      return { stage: 'ga' }
    },
  }
  // A recipe is asked for by its workspace: who is in another one speaks of his own.
  const inFirst = { query: () => '?workspaceId=1' }
  return {
    // A board is asked for by its workspace: who is in another one sees his own.
    getBoard: { mark: canary },
    setStages: { class: 'admin', query: () => '?workspaceId=1', body: { stages: STAGES } },
    getBoardSettings: everywhere,
    setBoardSettings: { class: 'admin', query: () => '?workspaceId=1', body: { workerMaxConcurrency: 3 } },
    listWebhooks: { class: 'admin', query: () => '?workspaceId=1' },
    addWebhook: { class: 'admin', body: { url: 'https://example.org/hook' }, ...everywhere },
    changeWebhook: { class: 'admin', place: newWebhook, body: { enabled: false } },
    removeWebhook: { class: 'admin', place: newWebhook },
    listDeliveries: { class: 'admin', place: newWebhook },
    listCards: { mark: canary },
    addCard: { body: { title: 'x' }, ...everywhere },
    getCard: newCard,
    editCard: { ...newCard, body: { version: 1, title: 'y' } },
    removeCard: archivedCard,
    moveCard: { ...newCard, body: { to: 'inbox', version: 1 } },
    listTransitions: newCard,
    listRecords: newCard,
    listQuestions: newCard,
    askQuestion: { ...newCard, body: { question: 'Why?' } },
    answerQuestion: {
      async place() {
        const { id: card } = await newCard.place()
        const asked = await ask('POST', `/api/cards/${card}/questions`, { question: 'Why?' })
        return { id: card, q: asked.body.id as number }
      },
      body: { answer: 'Because.' },
    },
    listNotifications: everywhere,
    readNotifications: { class: 'viewer', body: { upTo: 1 }, ...everywhere },
    listApprovals: everywhere,
    listRecipes: inFirst,
    initializeRecipes: { body: { action: 'initialize', provider: 'fake', workspaceId: 1 } },
    getRecipe: { ...onRecipe, ...inFirst },
    setRecipe: { ...onRecipe, body: { enabled: true, workspaceId: 1 } },
    removeRecipe: { ...onRecipe, ...inFirst },
    checkRecipe: { class: 'viewer', ...onRecipe, body: { enabled: true, workspaceId: 1 } },
    previewGates: {
      class: 'viewer',
      place: async () => ({ ...(await onRecipe.place()), ...(await newCard.place()) }),
      body: (place: { id?: number }) => ({ cardId: place.id ?? 1, workspaceId: 1 }),
    },
    listDocuments: newCard,
    getDocument: { ...onDocument, mark: canary },
    writeDocument: { ...onDocument, body: { content: 'B', baseVersion: 1 } },
    listDocumentVersions: onDocument,
    diffDocument: { ...onDocument, query: () => '?from=1&to=1' },
    listCardArtifacts: newCard,
    linkArtifact: { ...newCard, body: { type: 'url', label: 'x', uri: 'https://example.org/' } },
    getCardArtifact: { ...newCard, skip: true },
    listMetrics: newCard,
    measure: { ...newCard, body: { name: 'users', value: 1, unit: 'people' } },
    listGateResults: newCard,
  }
}
