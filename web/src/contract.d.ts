/**
 * What the server's routes take and give, as they say themselves.
 * Made by `node tools/reference.ts --write`; never changed by hand.
 */
export type DefinitionContentInput = { readonly schemaVersion: 1; readonly name: string; readonly preamble?: string | undefined; readonly preambleAs: 'system' | 'user'; readonly template: string; readonly dimensions: readonly ({ readonly name: string; readonly levels: readonly ({ readonly score: number; readonly label: string; readonly options: readonly (string)[] })[] })[]; readonly followups: readonly ({ readonly label: string; readonly prompt: string })[]; readonly decision?: { readonly instruction?: string | undefined; readonly labels: readonly ({ readonly code: string; readonly label: string })[] } | undefined; readonly tags: readonly (string)[] }
export type StageRecipe = { readonly stage: string; readonly automationLevel: 'fully_auto' | 'auto_notify' | 'human_approval' | 'manual'; readonly recipeSteps: readonly ({ readonly skillId: number; readonly skillVersion: number; readonly order: number; readonly params: Readonly<Record<string, unknown>>; readonly inputsMapping: Readonly<Record<string, string>>; readonly outputsMapping: Readonly<Record<string, string>>; readonly timeout: number; readonly retryCount: number })[]; readonly gates: readonly ({ readonly id: string; readonly name?: string | undefined; readonly type: string; readonly required: boolean; readonly message?: string | undefined; readonly config: Readonly<Record<string, unknown>> })[]; readonly onFailBehavior: 'stay' | 'revert' | 'create_questions' | 'review_required'; readonly provider: string; readonly enabled: boolean; readonly version: number; readonly createdAt: string; readonly createdBy: string; readonly updatedAt: string; readonly updatedBy: string }
export type RecipeValidation = { readonly valid: boolean; readonly errors: readonly (string)[]; readonly warnings: readonly (string)[]; readonly skillsStatus: readonly ({ readonly skillId: string; readonly name: string; readonly found: boolean; readonly trusted: boolean; readonly source: string })[] }
export type GateResult = { readonly id: string; readonly name: string; readonly type: string; readonly required: boolean; readonly passed: boolean | null; readonly message: string | null; readonly evidence: Readonly<Record<string, unknown>> }
export type KeptGateResult = { readonly id: string; readonly name: string; readonly type: string; readonly required: boolean; readonly passed: boolean | null; readonly message: string | null; readonly evidence: Readonly<Record<string, unknown>>; readonly stage: string; readonly run: (number | null); readonly task: number; readonly at: string }
export type DocumentHead = { readonly path: string; readonly version: number; readonly bytes: number; readonly digest: string; readonly by: string; readonly updatedAt: string }
export type DocumentVersion = { readonly path: string; readonly version: number; readonly latest: number; readonly origin: 'run' | 'person' | 'file'; readonly stage: string | null; readonly run: (number | null); readonly by: string; readonly at: string; readonly bytes: number; readonly digest: string }
export type Document = { readonly path: string; readonly version: number; readonly latest: number; readonly origin: 'run' | 'person' | 'file'; readonly stage: string | null; readonly run: (number | null); readonly by: string; readonly at: string; readonly bytes: number; readonly digest: string; readonly content: string }
export type CardArtifact = { readonly id: number; readonly card: number; readonly type: 'file' | 'url' | 'pr' | 'ticket' | 'metric' | 'chromatic'; readonly label: string; readonly uri: string | null; readonly document: ({ readonly path: string; readonly version: number } | null); readonly meta: Readonly<Record<string, unknown>>; readonly stage: string; readonly run: (number | null); readonly task: (number | null); readonly by: string; readonly at: string }
export type Metric = { readonly id: number; readonly name: string; readonly value: number; readonly unit: string; readonly stage: string; readonly run: (number | null); readonly by: string; readonly at: string }
export type ToolError = { readonly type: 'ValidationError' | 'NotFoundError' | 'PluginError' | 'ExecutionError' | 'TimeoutError' | 'CancelledError' | 'InternalError'; readonly code: string; readonly message: string; readonly details: Readonly<Record<string, string | number | boolean | null>>; readonly tool: string; readonly plugin: string; readonly retryable: boolean; readonly timestamp: string; readonly correlationId: string }
export type Problem = { readonly type: string; readonly title: string; readonly status: number; readonly code: string; readonly detail?: string | undefined; readonly instance: string; readonly correlationId: string; readonly errors?: readonly ({ readonly pointer: string; readonly message: string })[] | undefined; readonly causes?: readonly (string)[] | undefined; readonly remedy?: string | undefined; readonly retryAfter?: number | undefined; readonly error?: ToolError | undefined; readonly run?: number | undefined; readonly validation?: RecipeValidation | undefined }
export type BasicAnalysis = { readonly version: '1'; readonly slots: number; readonly scale: { readonly codes: readonly (string)[]; readonly numeric: boolean; readonly lowest: number | null; readonly highest: number | null; readonly middle: number | null }; readonly models: readonly ({ readonly modelId: string; readonly slots: number; readonly answered: number; readonly failed: number; readonly cancelled: number; readonly n: number; readonly mean: number | null; readonly sd: number | null; readonly median: number | null; readonly decisions: Readonly<Record<string, number>>; readonly refusal: number; readonly other: number; readonly unparsed: number; readonly refusalRate: { readonly rate: number | null; readonly low: number | null; readonly high: number | null; readonly n: number }; readonly wins: { readonly n: number; readonly wins: number; readonly losses: number; readonly neutrals: number; readonly withNeutrals: { readonly rate: number | null; readonly low: number | null; readonly high: number | null; readonly n: number }; readonly withoutNeutrals: { readonly rate: number | null; readonly low: number | null; readonly high: number | null; readonly n: number } }; readonly winRates: readonly ({ readonly n: number; readonly wins: number; readonly losses: number; readonly neutrals: number; readonly withNeutrals: { readonly rate: number | null; readonly low: number | null; readonly high: number | null; readonly n: number }; readonly withoutNeutrals: { readonly rate: number | null; readonly low: number | null; readonly high: number | null; readonly n: number }; readonly dimension: string; readonly level: string })[] })[]; readonly dimensions: readonly ({ readonly n: number; readonly groups: number; readonly h: number | null; readonly df: (number | null); readonly p: number | null; readonly etaSquared: number | null; readonly means: Readonly<Record<string, number | null>>; readonly dimension: string; readonly models: readonly ({ readonly n: number; readonly groups: number; readonly h: number | null; readonly df: (number | null); readonly p: number | null; readonly etaSquared: number | null; readonly means: Readonly<Record<string, number | null>>; readonly modelId: string })[] })[]; readonly pairs: readonly ({ readonly a: string; readonly b: string; readonly n: number; readonly spearman: number | null; readonly p: number | null; readonly pHolm: number | null; readonly cohensD: number | null; readonly same: { readonly rate: number | null; readonly low: number | null; readonly high: number | null; readonly n: number } })[]; readonly contested: readonly ({ readonly scenarioId: string; readonly sd: number; readonly levels: Readonly<Record<string, string>>; readonly means: Readonly<Record<string, number>> })[]; readonly warnings: readonly ({ readonly code: string; readonly modelId: string | null; readonly n: number; readonly message: string })[] }
export type KeptAnalysis = { readonly state: 'current' | 'outdated' | 'none'; readonly version?: string | undefined; readonly madeAt?: string | undefined; readonly analysis?: BasicAnalysis | undefined; readonly code?: string | undefined; readonly message?: string | undefined }
export type Comparison = { readonly runs: readonly (number)[]; readonly name: string; readonly definitionHash: string; readonly pairing: 'models of the run' | 'same model in other runs' | 'all of other runs'; readonly measure: string | null; readonly seed: number; readonly draws: number; readonly arms: readonly ({ readonly run: number; readonly modelId: string; readonly slots: number; readonly decision: number; readonly refusal: number; readonly other: number; readonly unparsed: number; readonly none: number; readonly failed: number; readonly cancelled: number; readonly decided: { readonly rate: number | null; readonly low: number | null; readonly high: number | null; readonly n: number }; readonly mean: number | null })[]; readonly pairs: readonly ({ readonly a: number; readonly b: number; readonly asked: number; readonly n: number; readonly onlyA: number; readonly onlyB: number; readonly neither: number; readonly difference: number | null; readonly low: number | null; readonly high: number | null; readonly p: number | null; readonly pHolm: number | null; readonly needed: number | null; readonly wins: { readonly gained: number; readonly lost: number; readonly n: number; readonly p: number | null; readonly pHolm: number | null }; readonly decided: { readonly gained: number; readonly lost: number; readonly n: number; readonly p: number | null; readonly pHolm: number | null }; readonly tied: boolean | null; readonly changed: readonly ({ readonly scenarioId: string; readonly a: number | null; readonly b: number | null; readonly saidA: Readonly<Record<string, number>>; readonly saidB: Readonly<Record<string, number>> })[] })[]; readonly tied: readonly (readonly (number)[])[]; readonly notes: readonly (string)[] }
export type Efficiency = { readonly run: number; readonly makespan: number; readonly paused: number; readonly idle: number; readonly beforeFirst: number | null; readonly afterLast: number | null; readonly ideal: number | null; readonly ratio: number | null; readonly callTime: number; readonly longestSlot: number; readonly peak: number; readonly average: number | null; readonly providers: readonly ({ readonly provider: string; readonly calls: number; readonly answered: number; readonly callTime: number; readonly medianCall: number | null; readonly p95Call: number | null; readonly failedTime: number; readonly failures: Readonly<Record<string, number>>; readonly lost: { readonly backoff: { readonly attempts: number; readonly seconds: number }; readonly limits: { readonly attempts: number; readonly seconds: number }; readonly stopped: { readonly attempts: number; readonly seconds: number }; readonly workers: { readonly attempts: number; readonly seconds: number } } })[]; readonly drift: readonly ({ readonly model: string; readonly answers: number; readonly versions: readonly ({ readonly version: string; readonly answers: number })[]; readonly others: number; readonly unsaid: number })[]; readonly unknown: readonly (string)[] }
export type Failure = { readonly code: string; readonly message: string; readonly retryable: boolean; readonly retryAfter?: number | undefined; readonly details?: Readonly<Record<string, string | number | boolean | null>> | undefined; readonly origin: string }
export type Progress = { readonly total: number; readonly completed: number; readonly failed: number; readonly cancelled: number; readonly open: number; readonly percentComplete: number }
export type Run = { readonly id: number; readonly workspace: number; readonly kind: string; readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly name: string | null; readonly definition: ({ readonly id: number; readonly version: number } | null); readonly models: (readonly (string)[] | null); readonly priority: number; readonly round: number; readonly progress: Progress; readonly cancelAsked: boolean; readonly lastEvent: number; readonly parent: (number | null); readonly createdAt: string; readonly startedAt: (string | null); readonly finishedAt: (string | null); readonly lastAccessedAt: (string | null); readonly failure: (Failure | null) }
export type Waiting = { readonly kind: string; readonly key: string; readonly ready: number; readonly due: number; readonly dueAt: (string | null); readonly running: number; readonly reason: string; readonly heldBy: string | null; readonly opensAt: (string | null); readonly stopped: string | null; readonly ahead: (number | null); readonly workers: number; readonly sentence: string }
export type Task = { readonly n: number; readonly kind: string; readonly key: string; readonly state: 'ready' | 'running' | 'succeeded' | 'failed' | 'cancelled'; readonly attempt: number; readonly tries: number; readonly crashes: number; readonly worker: (number | null); readonly dueAt: (string | null); readonly failure: (Failure | null) }
export type Event = { readonly n: number; readonly at: string; readonly kind: string; readonly task: (number | null); readonly data: Readonly<Record<string, unknown>> }
export type Budget = { readonly tokens: (number | null); readonly micros: (number | null); readonly usedTokens: number; readonly usedMicros: number; readonly reservedTokens: number; readonly reservedMicros: number }
export type Artifact = { readonly id: number; readonly run: number; readonly task: number; readonly name: string; readonly mediaType: string; readonly size: number; readonly digest: string; readonly at: string }
export type CardHead = { readonly id: number; readonly workspace: number; readonly title: string; readonly stage: string; readonly priority: 'low' | 'medium' | 'high' | 'urgent'; readonly status: 'active' | 'paused' | 'completed' | 'archived'; readonly version: number; readonly enteredAt: string; readonly updatedAt: string; readonly run: ({ readonly id: number; readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly awaits: ('approval' | 'questions' | 'review' | null); readonly active: boolean; readonly percent: number; readonly failure: string | null } | null); readonly openQuestions: number }
export type Card = { readonly id: number; readonly workspace: number; readonly title: string; readonly stage: string; readonly priority: 'low' | 'medium' | 'high' | 'urgent'; readonly status: 'active' | 'paused' | 'completed' | 'archived'; readonly version: number; readonly enteredAt: string; readonly updatedAt: string; readonly run: ({ readonly id: number; readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly awaits: ('approval' | 'questions' | 'review' | null); readonly active: boolean; readonly percent: number; readonly failure: string | null } | null); readonly openQuestions: number; readonly description: string; readonly metadata: Readonly<Record<string, unknown>>; readonly activeRun: (number | null); readonly createdBy: string; readonly createdAt: string }
export type Transition = { readonly id: number; readonly from: string | null; readonly to: string; readonly actor: string; readonly reason: string | null; readonly run: (number | null); readonly notStarted: string | null; readonly causedBy: (number | null); readonly at: string }
export type Column = { readonly key: string; readonly name: string; readonly count: number; readonly busy: number; readonly cards: readonly (CardHead)[]; readonly next: string | null }
export type BoardSettings = { readonly automationMode: 'manual' | 'auto_to_stage' | 'auto_all'; readonly automationStopStage: (string | null); readonly workerEnabled: boolean; readonly workerMaxConcurrency: number; readonly workerPollIntervalMs: number; readonly aiExecutionMode: 'server' | 'off'; readonly fourEyes: boolean; readonly version: number; readonly changedBy: string; readonly changedAt: string; readonly file: ({ readonly path: string; readonly state: 'none' | 'same' | 'taken' | 'refused'; readonly problems: readonly (string)[]; readonly ignored: readonly (string)[] } | null) }
export type Question = { readonly id: number; readonly stage: string; readonly run: (number | null); readonly gate: string | null; readonly question: string; readonly answer: string | null; readonly answeredBy: string | null; readonly askedAt: string; readonly answeredAt: (string | null) }
export type GateVerdict = { readonly id: string; readonly required: boolean; readonly passed: boolean }
export type CardRun = { readonly card: { readonly id: number; readonly title: string; readonly version: number }; readonly stage: string; readonly level: 'fully_auto' | 'auto_notify' | 'human_approval' | 'manual'; readonly triggeredBy: string; readonly awaits: ('approval' | 'questions' | 'review' | null); readonly needs: ('level' | 'trust' | null); readonly digest: string; readonly active: boolean; readonly reason: string | null }
export type WaitingRun = { readonly card: { readonly id: number; readonly title: string; readonly version: number }; readonly stage: string; readonly level: 'fully_auto' | 'auto_notify' | 'human_approval' | 'manual'; readonly triggeredBy: string; readonly awaits: 'approval' | 'questions' | 'review'; readonly needs: ('level' | 'trust' | null); readonly digest: string; readonly active: boolean; readonly reason: string | null; readonly run: number; readonly since: string; readonly gates: readonly (GateVerdict)[]; readonly openQuestions: number }
export type Decision = { readonly id: number; readonly what: 'approval' | 'questions' | 'review'; readonly decision: 'approved' | 'rejected' | 'again'; readonly by: string; readonly reason: string | null; readonly seen: Readonly<Record<string, unknown>>; readonly at: string }
export type Notification = { readonly id: number; readonly workspace: number; readonly kind: 'run_succeeded' | 'run_failed' | 'approval_needed' | 'review_needed' | 'questions_asked' | 'card_reverted' | 'automation_stopped'; readonly card: { readonly id: number; readonly title: string }; readonly run: (number | null); readonly stage: string; readonly data: Readonly<Record<string, unknown>>; readonly sentence: string; readonly at: string; readonly read: boolean }
export type Webhook = { readonly id: number; readonly url: string; readonly kinds: readonly ('run_succeeded' | 'run_failed' | 'approval_needed' | 'review_needed' | 'questions_asked' | 'card_reverted' | 'automation_stopped')[]; readonly enabled: boolean; readonly createdBy: string; readonly createdAt: string; readonly last: ({ readonly status: (number | null); readonly deliveredAt: string | null; readonly run: number } | null) }
export type Delivery = { readonly id: number; readonly notification: number; readonly kind: 'run_succeeded' | 'run_failed' | 'approval_needed' | 'review_needed' | 'questions_asked' | 'card_reverted' | 'automation_stopped'; readonly run: number; readonly runStatus: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly status: (number | null); readonly deliveredAt: (string | null); readonly createdAt: string }
export type DefinitionHead = { readonly id: number; readonly name: string; readonly tags: readonly (string)[]; readonly version: number; readonly parent: ({ readonly id: number; readonly version: number; readonly latest: number } | null); readonly createdAt: string; readonly createdBy: string; readonly updatedAt: string; readonly lastAccessedAt: (string | null) }
export type DefinitionContent = { readonly schemaVersion: 1; readonly name: string; readonly preamble?: string | undefined; readonly preambleAs: 'system' | 'user'; readonly template: string; readonly dimensions: readonly ({ readonly name: string; readonly levels: readonly ({ readonly score: number; readonly label: string; readonly options: readonly (string)[] })[] })[]; readonly followups: readonly ({ readonly label: string; readonly prompt: string })[]; readonly decision?: { readonly instruction?: string | undefined; readonly labels: readonly ({ readonly code: string; readonly label: string })[] } | undefined; readonly tags: readonly (string)[] }
export type Definition = { readonly id: number; readonly name: string; readonly tags: readonly (string)[]; readonly version: number; readonly parent: ({ readonly id: number; readonly version: number; readonly latest: number } | null); readonly createdAt: string; readonly createdBy: string; readonly updatedAt: string; readonly lastAccessedAt: (string | null); readonly shown: number; readonly overridden: (readonly ('name' | 'preamble' | 'preambleAs' | 'template' | 'dimensions' | 'followups' | 'decision' | 'tags')[] | null); readonly hash: string; readonly content: DefinitionContent; readonly scenarios: string; readonly warnings: readonly (string)[] }
export type DefinitionDraft = { readonly draft: (DefinitionContent | null); readonly problems: readonly ({ readonly path: string; readonly line: (number | null); readonly column: (number | null); readonly message: string })[]; readonly yaml: string | null; readonly scenarios: string | null; readonly warnings: readonly (string)[]; readonly first: readonly ({ readonly index: number; readonly key: string; readonly dimensions: Readonly<Record<string, { readonly score: number; readonly label: string; readonly option: string }>>; readonly prompt: string })[] }
export type DiagnosisRun = { readonly id: string; readonly workspace_id: number; readonly organisation_id: string; readonly assessment_id: string; readonly status: 'queued' | 'in_progress' | 'completed' | 'failed'; readonly errors: readonly ({ readonly code: 'RUN_NOT_FOUND' | 'INVALID_STATUS' | 'CONTEXT_FETCH_ERROR' | 'LLM_ERROR' | 'VALIDATION_ERROR' | 'PERSISTENCE_ERROR' | 'MAX_ATTEMPTS_REACHED' | 'UNEXPECTED_ERROR' | 'CANCELLED'; readonly message: string; readonly at: string; readonly attempt: number; readonly details?: { readonly status?: number | undefined; readonly timeout?: boolean | undefined; readonly gone?: boolean | undefined; readonly paths?: readonly (string)[] | undefined } | undefined })[]; readonly attempts: number; readonly max_attempts: number; readonly round: number; readonly engine_run_id: (number | null); readonly inputs_hash: string | null; readonly created_at: string; readonly started_at: (string | null); readonly completed_at: (string | null); readonly correlation_id: string; readonly schema_version: string; readonly context_pack: ({ readonly assessment_data: { readonly id: string; readonly answers: readonly ({ readonly question_id: string; readonly label: string; readonly value: unknown })[]; readonly created_at: string }; readonly funnel_config: { readonly funnel: string; readonly funnel_id: string; readonly version: number }; readonly patient_context: { readonly patient_id: string; readonly patient_created_at: string; readonly age_band?: string | undefined; readonly sex?: string | undefined }; readonly scores?: readonly ({ readonly name: string; readonly score: number; readonly level: string })[] | undefined; readonly history?: { readonly notes: readonly ({ readonly type: string; readonly content: string; readonly created_at: string })[]; readonly earlier: readonly ({ readonly assessment_id: string; readonly funnel: string; readonly completed_at: string; readonly scores: readonly ({ readonly name: string; readonly score: number; readonly level: string })[] })[] } | undefined } | null); readonly diagnosis_result: ({ readonly diagnosis: { readonly summary: string; readonly findings: readonly ({ readonly finding: string; readonly question_ids: readonly (string)[] })[]; readonly differential: readonly ({ readonly condition: string; readonly rationale: string; readonly likelihood: 'low' | 'medium' | 'high' })[]; readonly red_flags: readonly ({ readonly flag: string; readonly urgency: 'routine' | 'soon' | 'urgent'; readonly action: string })[]; readonly next_steps: readonly ({ readonly step: string; readonly priority: 'low' | 'medium' | 'high' })[] }; readonly confidence: number; readonly metadata: { readonly model: string; readonly model_version: string | null; readonly prompt_version: string; readonly usage: { readonly input_tokens: number; readonly output_tokens: number }; readonly latency_ms: number; readonly created_at: string } } | null); readonly uncertain: boolean | null }
export type DiagnosisLine = { readonly id: string; readonly workspace_id: number; readonly organisation_id: string; readonly assessment_id: string; readonly status: 'queued' | 'in_progress' | 'completed' | 'failed'; readonly errors: readonly ({ readonly code: 'RUN_NOT_FOUND' | 'INVALID_STATUS' | 'CONTEXT_FETCH_ERROR' | 'LLM_ERROR' | 'VALIDATION_ERROR' | 'PERSISTENCE_ERROR' | 'MAX_ATTEMPTS_REACHED' | 'UNEXPECTED_ERROR' | 'CANCELLED'; readonly message: string; readonly at: string; readonly attempt: number; readonly details?: { readonly status?: number | undefined; readonly timeout?: boolean | undefined; readonly gone?: boolean | undefined; readonly paths?: readonly (string)[] | undefined } | undefined })[]; readonly attempts: number; readonly max_attempts: number; readonly round: number; readonly engine_run_id: (number | null); readonly inputs_hash: string | null; readonly created_at: string; readonly started_at: (string | null); readonly completed_at: (string | null) }
export type PatientResult = { readonly id: string; readonly assessment_id: string; readonly status: 'completed'; readonly summary: string; readonly next_steps: readonly ({ readonly step: string; readonly priority: 'low' | 'medium' | 'high' })[]; readonly red_flags: readonly ({ readonly flag: string; readonly urgency: 'routine' | 'soon' | 'urgent'; readonly action: string })[]; readonly confidence: number; readonly uncertain: boolean; readonly completed_at: string }
export type Organisation = { readonly id: string; readonly workspace_id: number; readonly name: string; readonly administers: boolean }
export type Clinician = { readonly id: string; readonly organisation_id: string; readonly name: string; readonly patients: number }
export type Patient = { readonly id: string; readonly organisation_id: string; readonly sex: string | null; readonly assessments: number; readonly last_assessment_at: (string | null); readonly clinicians: readonly (string)[] }
export type Assessment = { readonly id: string; readonly organisation_id: string; readonly patient_id: string; readonly funnel: string; readonly version: number; readonly status: 'in_progress' | 'completed'; readonly answers: number; readonly created_at: string; readonly completed_at: (string | null) }
export type Worker = { readonly id: number; readonly name: string; readonly kinds: readonly (string)[]; readonly slots: number; readonly running: number; readonly activeRuns: readonly (number)[]; readonly processed: number; readonly failed: number; readonly registeredAt: string; readonly seenAt: string; readonly seenAgo: number; readonly state: 'alive' | 'stale' | 'gone'; readonly goneWhy: ('left' | 'session' | 'lease' | null); readonly goneAt: (string | null) }
export type WorkersHealth = { readonly workersActive: number; readonly activeRuns: number; readonly queuedRuns: number; readonly queueLength: number; readonly failureRate: number | null }
export type QueueHealth = { readonly running: boolean; readonly pending: number; readonly active: number; readonly held: number; readonly due: number; readonly completedLastHour: number; readonly failedLastHour: number; readonly completedLastDay: number; readonly failedLastDay: number; readonly successRate: number | null; readonly oldestWaiting: number | null; readonly runs: Readonly<Record<string, number>> }
export type ProviderHealth = { readonly id: string; readonly name: string; readonly configured: boolean; readonly connected: boolean; readonly error?: { readonly code: string; readonly message: string } | undefined; readonly latencyMs: (number | null); readonly checkedAt: string }
export type Limit = { readonly key: string; readonly concurrency: (number | null); readonly requestsPerMinute: number | null; readonly tokensPerMinute: number | null; readonly running: number; readonly waiting: number; readonly until: (string | null); readonly stopped: string | null; readonly stoppedAt: (string | null) }
export type CardRecords = { readonly hypotheses: readonly ({ readonly run: (number | null); readonly n: number; readonly at: string; readonly title: string; readonly belief: string; readonly audience: string; readonly because: string; readonly metric: string; readonly evidence: readonly (string)[]; readonly against: string | null; readonly confidence: 'high' | 'medium' | 'low' })[]; readonly prototypes: readonly ({ readonly run: (number | null); readonly n: number; readonly at: string; readonly name: string; readonly question: string; readonly chosen: string; readonly components: readonly (Readonly<Record<string, unknown>>)[]; readonly stories: readonly (Readonly<Record<string, unknown>>)[] })[]; readonly tickets: readonly ({ readonly run: (number | null); readonly n: number; readonly at: string; readonly id: number; readonly title: string; readonly type: 'feature' | 'bug' | 'chore' | 'spike'; readonly description: string; readonly acceptance: readonly (string)[]; readonly points: number; readonly priority: 'urgent' | 'high' | 'medium' | 'low'; readonly dependsOn: readonly (number)[] })[]; readonly jury: ({ readonly run: (number | null); readonly n: number; readonly at: string; readonly score: number; readonly low: number; readonly high: number; readonly method: string; readonly verdict: 'pass' | 'conditional' | 'fail'; readonly personas: readonly (Readonly<Record<string, unknown>>)[]; readonly concerns: readonly (Readonly<Record<string, unknown>>)[]; readonly suggestions: readonly (Readonly<Record<string, unknown>>)[]; readonly votes: readonly ({ readonly persona: string; readonly vote: number; readonly stance: 'approve' | 'conditional' | 'reject'; readonly reason: string; readonly concern: string; readonly blocking: boolean; readonly suggestion: string })[] } | null) }
export type ModelResult = { readonly model: string; readonly answered: number; readonly failed: number; readonly cancelled: number; readonly open: number; readonly decisions: Readonly<Record<string, number>>; readonly mean: number | null; readonly inputTokens: number; readonly outputTokens: number; readonly costUsd: number | null; readonly medianMs: number | null; readonly failures: Readonly<Record<string, number>> }
export type MatrixRow = { readonly scenario: number; readonly key: string; readonly dimensions: Readonly<Record<string, { readonly score: number; readonly label: string; readonly option: string }>>; readonly cells: Readonly<Record<string, { readonly answered: number; readonly failed: number; readonly open: number; readonly decisions: Readonly<Record<string, number>>; readonly transcripts: readonly (number)[] }>> }
export type Transcript = { readonly n: number; readonly scenario: number; readonly scenarioKey: string; readonly model: string; readonly modelVersion: string | null; readonly sample: number; readonly decision: string | null; readonly decisionLabel: string | null; readonly overridden: boolean; readonly turnCount: number; readonly wordCount: number; readonly inputTokens: number; readonly outputTokens: number; readonly costUsd: number | null; readonly durationMs: number; readonly createdAt: string }
export type Turn = { readonly label: string; readonly prompt: string; readonly answer: string; readonly inputTokens: number; readonly outputTokens: number; readonly reasoningTokens: number | null; readonly cachedTokens: number | null; readonly tokens: 'reported' | 'estimated'; readonly startedAt: string; readonly completedAt: string; readonly finishReason: string; readonly truncated: boolean; readonly settings: { readonly asked: Readonly<Record<string, number>>; readonly sent: Readonly<Record<string, number>>; readonly dropped: readonly (string)[] }; readonly modelVersion: string | null; readonly promptHash: string }
export type SkillDiagnostic = { readonly severity: 'error' | 'warning'; readonly code: string; readonly file: string; readonly line: (number | null); readonly message: string }
export type Skill = { readonly id: number; readonly workspaceId: number; readonly source: 'local' | 'skillsmp'; readonly cameBy: 'product' | 'folder' | 'import' | 'create'; readonly key: string; readonly name: string; readonly description: string; readonly version: number; readonly newest: number; readonly label: string | null; readonly digest: string; readonly trustLevel: 'vetted' | 'community' | 'experimental'; readonly pinned: boolean; readonly tags: readonly (string)[]; readonly form: 'headings' | 'agentskills' | 'hybrid'; readonly warnings: number; readonly entrypoint: string | null; readonly remoteMetadata: (Readonly<Record<string, unknown>> | null); readonly createdAt: string; readonly updatedAt: string; readonly seenAt: string; readonly goneAt: (string | null) }
export type SkillListing = { readonly id: string; readonly source: 'skillsmp'; readonly name: string; readonly description: string; readonly author: string | null; readonly url: string | null; readonly repository: string | null; readonly stars: number | null; readonly updatedAt: string | null }
export type StoredSkill = { readonly id: number; readonly workspaceId: number; readonly source: 'local' | 'skillsmp'; readonly cameBy: 'product' | 'folder' | 'import' | 'create'; readonly key: string; readonly name: string; readonly description: string; readonly version: number; readonly newest: number; readonly label: string | null; readonly digest: string; readonly trustLevel: 'vetted' | 'community' | 'experimental'; readonly pinned: boolean; readonly tags: readonly (string)[]; readonly form: 'headings' | 'agentskills' | 'hybrid'; readonly warnings: number; readonly entrypoint: string | null; readonly remoteMetadata: (Readonly<Record<string, unknown>> | null); readonly createdAt: string; readonly updatedAt: string; readonly seenAt: string; readonly goneAt: (string | null); readonly shown: number; readonly promptTemplate: string; readonly templates: Readonly<Record<string, string>>; readonly inputSchema: (Readonly<Record<string, unknown>> | null); readonly outputSchema: (Readonly<Record<string, unknown>> | null); readonly about: { readonly license?: string | undefined; readonly compatibility?: string | undefined; readonly metadata?: Readonly<Record<string, string>> | undefined; readonly allowedTools?: string | undefined }; readonly diagnostics: readonly (SkillDiagnostic)[]; readonly files: readonly ({ readonly path: string; readonly size: number; readonly digest: string })[]; readonly versions: readonly ({ readonly version: number; readonly digest: string; readonly label: string | null; readonly trustLevel: 'vetted' | 'community' | 'experimental'; readonly createdAt: string; readonly createdBy: string })[]; readonly trustActs: readonly ({ readonly version: number; readonly digest: string; readonly before: ('vetted' | 'community' | 'experimental' | null); readonly level: 'vetted' | 'community' | 'experimental'; readonly by: string; readonly at: string; readonly note: string | null })[] }
export type SkillSync = { readonly added: readonly ({ readonly id: number; readonly key: string; readonly cameBy: 'product' | 'folder' | 'import' | 'create'; readonly version: number; readonly warnings: number })[]; readonly updated: readonly ({ readonly id: number; readonly key: string; readonly cameBy: 'product' | 'folder' | 'import' | 'create'; readonly version: number; readonly warnings: number })[]; readonly unchanged: readonly ({ readonly id: number; readonly key: string; readonly cameBy: 'product' | 'folder' | 'import' | 'create'; readonly version: number; readonly warnings: number })[]; readonly pinned: readonly ({ readonly id: number; readonly key: string; readonly cameBy: 'product' | 'folder' | 'import' | 'create'; readonly version: number; readonly warnings: number })[]; readonly gone: readonly ({ readonly id: number; readonly key: string })[]; readonly refused: readonly ({ readonly key: string; readonly cameBy: 'product' | 'folder' | 'import' | 'create'; readonly diagnostics: readonly (SkillDiagnostic)[] })[]; readonly folderRead: boolean }
export type BroughtSkill = { readonly skill: Skill; readonly outcome: 'added' | 'updated' | 'unchanged' | 'pinned'; readonly diagnostics: readonly (SkillDiagnostic)[] }
export type DryRun = { readonly scenarios: number; readonly scenariosInAll: number; readonly models: readonly (string)[]; readonly tasks: number; readonly calls: number; readonly inputTokens: number; readonly outputTokens: number; readonly costUsd: number | null; readonly forecast: readonly ({ readonly model: string; readonly calls: number; readonly inputTokens: { readonly low: number; readonly likely: number; readonly high: number }; readonly exact: boolean; readonly outputTokens: { readonly low: number; readonly likely: number; readonly high: number }; readonly costUsd: ({ readonly low: number; readonly likely: number; readonly high: number } | null); readonly seen: number; readonly secondsPerCall: number | null; readonly deprecated: boolean })[]; readonly warnings: readonly (string)[] }
export type Tool = { readonly name: string; readonly version: string | null; readonly description: string | null; readonly carrier: string | null; readonly capabilities: readonly (string)[]; readonly timeout_ms: (number | null); readonly concurrency: (number | null); readonly state: 'LOADED' | 'INITIALIZED' | 'RUNNING' | 'FAILED' | 'UNAVAILABLE'; readonly places: readonly ({ readonly worker: number; readonly state: 'LOADED' | 'INITIALIZED' | 'RUNNING' | 'FAILED' | 'UNAVAILABLE'; readonly inFlight: number; readonly lastOutcome: ('success' | 'error' | 'caller_error' | null); readonly reason: string | null; readonly file: string | null; readonly line: (number | null) })[]; readonly success_count: number; readonly error_count: number; readonly caller_error_count: number; readonly last_execution_time_ms: number | null; readonly avg_execution_time_ms: number | null; readonly p95_execution_time_ms: number | null; readonly last_used: (string | null) }
export type ToolJob = { readonly id: number; readonly tool: string; readonly plugin: string; readonly status: 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILED'; readonly createdAt: string; readonly startedAt: (string | null); readonly finishedAt: (string | null); readonly error: (ToolError | null) }
export type ToolResult = { readonly run: number; readonly tool: string; readonly plugin: string; readonly status: 'SUCCESS' | 'FAILED'; readonly output: unknown; readonly elapsedMs: number | null; readonly error: (ToolError | null) }
export type ProviderKey = { readonly provider: string; readonly fingerprint: string; readonly source: 'database' | 'environment'; readonly by: string; readonly setAt: (string | null); readonly used: boolean; readonly opens: boolean }
export interface Paths {
  '/api/sign-in': {
    post: { body: { readonly email: string; readonly password: string }; answer: undefined }
  }
  '/api/sign-in/link': {
    post: { body: { readonly token: string }; answer: undefined }
  }
  '/api/sign-out': {
    post: { answer: undefined }
  }
  '/api/me': {
    get: { answer: { readonly sub: string; readonly by: 'session' | 'jwt' | 'api_key' | 'open'; readonly scopes: ('all' | readonly ('runs:read' | 'runs:write' | 'definitions:read' | 'definitions:write' | 'board:read' | 'board:write' | 'exports:read' | 'gateway' | 'workers' | 'tools' | 'skills:read' | 'skills:write' | 'admin')[]); readonly operator: boolean; readonly expiresAt: (string | null); readonly user: ({ readonly id: number; readonly email: string; readonly name: string } | null); readonly workspaces: readonly ({ readonly id: number; readonly name: string; readonly role: ('admin' | 'member' | 'viewer' | null) })[] } }
    put: { body: { readonly name: string }; answer: undefined }
  }
  '/api/me/password': {
    put: { body: { readonly present?: string | undefined; readonly next: string }; answer: undefined }
  }
  '/api/me/sessions': {
    get: { answer: { readonly sessions: readonly ({ readonly id: number; readonly agent: string; readonly createdAt: string; readonly seenAt: string; readonly expiresAt: string; readonly current: boolean })[] } }
    delete: { answer: { readonly ended: number } }
  }
  '/api/me/sessions/{id}': {
    delete: { path: { id: string | number }; answer: undefined }
  }
  '/api/me/keys': {
    get: { answer: { readonly keys: readonly ({ readonly id: string; readonly user: number; readonly workspace: number | null; readonly name: string; readonly scopes: readonly (string)[]; readonly createdAt: string; readonly expiresAt: string; readonly usedAt: (string | null); readonly revokedAt: (string | null) })[] } }
    post: { body: { readonly name: string; readonly scopes: readonly ('runs:read' | 'runs:write' | 'definitions:read' | 'definitions:write' | 'board:read' | 'board:write' | 'exports:read' | 'gateway' | 'workers' | 'tools' | 'skills:read' | 'skills:write' | 'admin')[]; readonly workspace?: number | undefined; readonly days?: number | undefined }; answer: { readonly id: string; readonly key: string } }
  }
  '/api/me/keys/{id}': {
    delete: { path: { id: string | number }; answer: undefined }
  }
  '/api/workspaces': {
    get: { answer: { readonly workspaces: readonly ({ readonly id: number; readonly name: string; readonly role: ('admin' | 'member' | 'viewer' | null) })[] } }
    post: { body: { readonly name: string }; answer: { readonly id: number } }
  }
  '/api/workspaces/{id}/members': {
    get: { path: { id: string | number }; answer: { readonly members: readonly ({ readonly user: number; readonly email: string; readonly name: string; readonly role: 'admin' | 'member' | 'viewer'; readonly disabled: boolean })[] } }
  }
  '/api/workspaces/{id}/people': {
    get: { path: { id: string | number }; answer: { readonly people: readonly ({ readonly user: number; readonly name: string })[] } }
  }
  '/api/workspaces/{id}/members/{user}': {
    put: { path: { id: string | number; user: string | number }; body: { readonly role: 'admin' | 'member' | 'viewer' }; answer: undefined }
    delete: { path: { id: string | number; user: string | number }; answer: undefined }
  }
  '/api/workspaces/{id}/invitations': {
    get: { path: { id: string | number }; answer: { readonly invitations: readonly ({ readonly id: number; readonly email: string; readonly role: 'admin' | 'member' | 'viewer'; readonly expiresAt: string })[] } }
    post: { path: { id: string | number }; body: { readonly email: string; readonly role: 'admin' | 'member' | 'viewer' }; answer: { readonly id: number; readonly token: string } }
  }
  '/api/invitations/{id}': {
    delete: { path: { id: string | number }; answer: undefined }
  }
  '/api/users': {
    get: { answer: { readonly users: readonly ({ readonly id: number; readonly email: string; readonly name: string; readonly operator: boolean; readonly disabledAt: (string | null); readonly createdAt: string })[] } }
    post: { body: { readonly email: string; readonly name?: string | undefined; readonly operator?: boolean | undefined }; answer: { readonly id: number } }
  }
  '/api/users/{id}/link': {
    post: { path: { id: string | number }; answer: { readonly token: string } }
  }
  '/api/users/{id}/disabled': {
    put: { path: { id: string | number }; body: { readonly disabled: boolean }; answer: undefined }
  }
  '/api/audit': {
    get: { query?: { before?: number | undefined; limit?: number | undefined }; answer: { readonly items: readonly ({ readonly id: number; readonly at: string; readonly workspace: number | null; readonly actor: string; readonly action: string; readonly user: number | null; readonly target: string | null; readonly address: string | null })[]; readonly next: number | null } }
  }
  '/api/runs': {
    get: { query?: { limit?: number | undefined; cursor?: string | undefined; kind?: string | undefined; definition?: number | undefined; model?: string | undefined; workspaceId?: number | undefined; parent?: number | undefined; since?: string | undefined; until?: string | undefined; search?: string | undefined; cardId?: number | undefined; status?: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled' | undefined }; answer: { readonly items: readonly ({ readonly id: number; readonly workspace: number; readonly kind: string; readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly name: string | null; readonly definition: ({ readonly id: number; readonly version: number } | null); readonly models: (readonly (string)[] | null); readonly priority: number; readonly round: number; readonly progress: Progress; readonly cancelAsked: boolean; readonly lastEvent: number; readonly parent: (number | null); readonly createdAt: string; readonly startedAt: (string | null); readonly finishedAt: (string | null); readonly lastAccessedAt: (string | null); readonly failure: (Failure | null); readonly card: (CardRun | null) })[]; readonly next: string | null } }
    post: { body: { readonly definition?: { readonly schemaVersion?: 1 | undefined; readonly name: string; readonly preamble?: string | undefined; readonly preambleAs?: 'system' | 'user' | undefined; readonly template: string; readonly dimensions?: readonly ({ readonly name: string; readonly levels?: readonly ({ readonly score: number; readonly label: string; readonly options?: readonly (string)[] | undefined })[] | undefined; readonly values?: readonly (string)[] | undefined })[] | undefined; readonly followups?: readonly ({ readonly label: string; readonly prompt: string })[] | undefined; readonly decision?: { readonly instruction?: string | undefined; readonly labels: readonly ({ readonly code: (string | number); readonly label: string })[] } | undefined; readonly tags?: readonly (string)[] | undefined } | undefined; readonly definitionId?: number | undefined; readonly version?: number | undefined; readonly models?: readonly (string)[] | undefined; readonly samplePercentage?: number | undefined; readonly sampleSeed?: (number | string) | undefined; readonly samplesPerScenario?: number | undefined; readonly temperature?: number | undefined; readonly maxTokens?: number | undefined; readonly maxTurns?: number | undefined; readonly worker?: 'inline' | 'python' | undefined; readonly priority?: 'low' | 'normal' | 'high' | 'LOW' | 'NORMAL' | 'HIGH' | undefined; readonly hold?: boolean | undefined; readonly delay?: number | undefined; readonly budget?: { readonly tokens?: number | undefined; readonly micros?: number | undefined } | undefined; readonly idempotencyKey?: string | undefined; readonly cardId?: number | undefined; readonly stage?: string | undefined; readonly workspaceId?: number | undefined; readonly triggeredBy?: string | undefined; readonly kind?: string | undefined; readonly input?: unknown | undefined }; answer: { readonly run: Run; readonly created: boolean } }
  }
  '/api/runs/counts': {
    get: { query?: { kind?: string | undefined; definition?: number | undefined; model?: string | undefined; workspaceId?: number | undefined; parent?: number | undefined; since?: string | undefined; until?: string | undefined; search?: string | undefined }; answer: { readonly counts: Readonly<Record<string, number>>; readonly capped: boolean } }
  }
  '/api/runs/{id}': {
    get: { path: { id: string | number }; answer: { readonly id: number; readonly workspace: number; readonly kind: string; readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly name: string | null; readonly definition: ({ readonly id: number; readonly version: number } | null); readonly models: (readonly (string)[] | null); readonly priority: number; readonly round: number; readonly progress: Progress; readonly cancelAsked: boolean; readonly lastEvent: number; readonly parent: (number | null); readonly createdAt: string; readonly startedAt: (string | null); readonly finishedAt: (string | null); readonly lastAccessedAt: (string | null); readonly failure: (Failure | null); readonly output: unknown; readonly card: ({ readonly card: { readonly id: number; readonly title: string; readonly version: number }; readonly stage: string; readonly level: 'fully_auto' | 'auto_notify' | 'human_approval' | 'manual'; readonly triggeredBy: string; readonly awaits: ('approval' | 'questions' | 'review' | null); readonly needs: ('level' | 'trust' | null); readonly digest: string; readonly active: boolean; readonly reason: string | null; readonly decisions: readonly (Decision)[]; readonly artifacts: readonly (CardArtifact)[] } | null); readonly logs: readonly (Event)[]; readonly artifacts: readonly (Artifact)[] } }
    post: { path: { id: string | number }; body: { readonly action: 'retry' | 'cancel' | 'approve' | 'pause' | 'resume'; readonly reason?: string | undefined; readonly seen?: { readonly digest?: string | undefined; readonly cardVersion?: number | undefined } | undefined }; answer: { readonly run: Run } }
  }
  '/api/runs/{id}/progress': {
    get: { path: { id: string | number }; query?: { by?: 'model' | undefined }; answer: { readonly total: number; readonly completed: number; readonly failed: number; readonly cancelled: number; readonly open: number; readonly percentComplete: number; readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly inFlight: number; readonly retries: number; readonly rate: number | null; readonly secondsLeft: number | null; readonly byModel?: readonly ({ readonly model: string; readonly total: number; readonly completed: number; readonly failed: number; readonly cancelled: number })[] | undefined } }
  }
  '/api/runs/{id}/tasks': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined; state?: 'ready' | 'running' | 'succeeded' | 'failed' | 'cancelled' | undefined }; answer: { readonly items: readonly (Task)[]; readonly next: string | null } }
  }
  '/api/runs/{id}/tasks/{n}': {
    get: { path: { id: string | number; n: string | number }; answer: { readonly n: number; readonly kind: string; readonly key: string; readonly state: 'ready' | 'running' | 'succeeded' | 'failed' | 'cancelled'; readonly attempt: number; readonly tries: number; readonly crashes: number; readonly worker: (number | null); readonly dueAt: (string | null); readonly failure: (Failure | null); readonly input: unknown; readonly output: unknown; readonly attempts: readonly ({ readonly attempt: number; readonly worker: (number | null); readonly outcome: string; readonly failure: (Failure | null); readonly endedAt: string })[] } }
  }
  '/api/runs/{id}/why': {
    get: { path: { id: string | number }; answer: { readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly waiting: readonly (Waiting)[] } }
  }
  '/api/runs/{id}/pause': {
    post: { path: { id: string | number }; answer: { readonly run: Run } }
  }
  '/api/runs/pause': {
    post: { body: { readonly runs: readonly (number)[] }; answer: { readonly results: readonly ({ readonly run: number; readonly status: ('queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled' | null); readonly code: string | null })[] } }
  }
  '/api/runs/{id}/resume': {
    post: { path: { id: string | number }; answer: { readonly run: Run } }
  }
  '/api/runs/resume': {
    post: { body: { readonly runs: readonly (number)[] }; answer: { readonly results: readonly ({ readonly run: number; readonly status: ('queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled' | null); readonly code: string | null })[] } }
  }
  '/api/runs/{id}/cancel': {
    post: { path: { id: string | number }; answer: { readonly run: Run } }
  }
  '/api/runs/cancel': {
    post: { body: { readonly runs: readonly (number)[] }; answer: { readonly results: readonly ({ readonly run: number; readonly status: ('queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled' | null); readonly code: string | null })[] } }
  }
  '/api/runs/{id}/retry': {
    post: { path: { id: string | number }; body?: ({ readonly what?: 'failed' | 'all' | undefined } | null); answer: { readonly run: Run; readonly round: number; readonly tasks: number } }
  }
  '/api/runs/{id}/budget': {
    get: { path: { id: string | number }; answer: { readonly budget: (Budget | null) } }
    put: { path: { id: string | number }; body: { readonly tokens?: number | undefined; readonly micros?: number | undefined }; answer: { readonly budget: (Budget | null) } }
  }
  '/api/runs/{id}/input': {
    get: { path: { id: string | number }; answer: { readonly kind: string; readonly input: unknown } }
  }
  '/api/runs/{id}/failures': {
    get: { path: { id: string | number }; answer: { readonly groups: readonly ({ readonly failure: Failure; readonly key: string; readonly tasks: number; readonly again: number; readonly examples: readonly (number)[]; readonly lastAt: string })[] } }
  }
  '/api/runs/{id}/timeline': {
    get: { path: { id: string | number }; answer: { readonly moments: readonly (Event)[]; readonly pace: readonly ({ readonly at: string; readonly completed: number; readonly failed: number; readonly cancelled: number })[]; readonly attempts: readonly ({ readonly task: number; readonly attempt: number; readonly worker: (number | null); readonly outcome: string; readonly failure: (Failure | null); readonly endedAt: string })[] } }
  }
  '/api/runs/{id}/audit': {
    get: { path: { id: string | number }; answer: { readonly items: readonly ({ readonly at: string; readonly what: string; readonly by: string | null; readonly task: (number | null); readonly data: Readonly<Record<string, unknown>> })[] } }
  }
  '/api/runs/test': {
    post: { body: { readonly definition?: { readonly schemaVersion?: 1 | undefined; readonly name: string; readonly preamble?: string | undefined; readonly preambleAs?: 'system' | 'user' | undefined; readonly template: string; readonly dimensions?: readonly ({ readonly name: string; readonly levels?: readonly ({ readonly score: number; readonly label: string; readonly options?: readonly (string)[] | undefined })[] | undefined; readonly values?: readonly (string)[] | undefined })[] | undefined; readonly followups?: readonly ({ readonly label: string; readonly prompt: string })[] | undefined; readonly decision?: { readonly instruction?: string | undefined; readonly labels: readonly ({ readonly code: (string | number); readonly label: string })[] } | undefined; readonly tags?: readonly (string)[] | undefined } | undefined; readonly definitionId?: number | undefined; readonly version?: number | undefined; readonly models: readonly (string)[]; readonly samplePercentage?: number | undefined; readonly sampleSeed?: (number | string) | undefined; readonly samplesPerScenario?: number | undefined; readonly temperature?: number | undefined; readonly maxTokens?: number | undefined; readonly maxTurns?: number | undefined; readonly worker?: 'inline' | 'python' | undefined; readonly priority?: 'low' | 'normal' | 'high' | 'LOW' | 'NORMAL' | 'HIGH' | undefined; readonly hold?: boolean | undefined; readonly delay?: number | undefined; readonly budget?: { readonly tokens?: number | undefined; readonly micros?: number | undefined } | undefined; readonly idempotencyKey?: string | undefined }; answer: { readonly run: Run; readonly created: boolean } }
  }
  '/api/runs/dry-run': {
    post: { body: { readonly definition?: { readonly schemaVersion?: 1 | undefined; readonly name: string; readonly preamble?: string | undefined; readonly preambleAs?: 'system' | 'user' | undefined; readonly template: string; readonly dimensions?: readonly ({ readonly name: string; readonly levels?: readonly ({ readonly score: number; readonly label: string; readonly options?: readonly (string)[] | undefined })[] | undefined; readonly values?: readonly (string)[] | undefined })[] | undefined; readonly followups?: readonly ({ readonly label: string; readonly prompt: string })[] | undefined; readonly decision?: { readonly instruction?: string | undefined; readonly labels: readonly ({ readonly code: (string | number); readonly label: string })[] } | undefined; readonly tags?: readonly (string)[] | undefined } | undefined; readonly definitionId?: number | undefined; readonly version?: number | undefined; readonly models: readonly (string)[]; readonly samplePercentage?: number | undefined; readonly sampleSeed?: (number | string) | undefined; readonly samplesPerScenario?: number | undefined; readonly temperature?: number | undefined; readonly maxTokens?: number | undefined; readonly maxTurns?: number | undefined; readonly worker?: 'inline' | 'python' | undefined }; answer: DryRun }
  }
  '/api/kinds': {
    get: { answer: { readonly kinds: readonly ({ readonly name: string; readonly tasks: readonly (string)[]; readonly input: unknown })[] } }
  }
  '/api/kinds/{kind}/runs': {
    post: { path: { kind: string | number }; body: { readonly input: unknown; readonly priority?: 'low' | 'normal' | 'high' | 'LOW' | 'NORMAL' | 'HIGH' | undefined; readonly hold?: boolean | undefined; readonly delay?: number | undefined; readonly budget?: { readonly tokens?: number | undefined; readonly micros?: number | undefined } | undefined; readonly idempotencyKey?: string | undefined }; answer: { readonly run: Run; readonly created: boolean } }
  }
  '/api/runs/{id}/rerun': {
    post: { path: { id: string | number }; body?: ({ readonly models?: readonly (string)[] | undefined; readonly samplePercentage?: number | undefined; readonly sampleSeed?: (number | string) | undefined; readonly samplesPerScenario?: number | undefined; readonly temperature?: (number | null) | undefined; readonly maxTokens?: (number | null) | undefined; readonly maxTurns?: number | undefined; readonly worker?: 'inline' | 'python' | undefined; readonly priority?: 'low' | 'normal' | 'high' | 'LOW' | 'NORMAL' | 'HIGH' | undefined; readonly hold?: boolean | undefined; readonly delay?: number | undefined; readonly budget?: { readonly tokens?: number | undefined; readonly micros?: number | undefined } | undefined; readonly idempotencyKey?: string | undefined } | null); answer: { readonly run: Run; readonly created: boolean } }
  }
  '/api/runs/{id}/logs': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined; after?: number | undefined; level?: 'debug' | 'info' | 'warn' | 'error' | undefined; search?: string | undefined; stream?: '0' | '1' | 'true' | 'false' | undefined }; answer: { readonly items: readonly (Event)[]; readonly next: string | null; readonly last: number } | undefined }
  }
  '/api/feed': {
    get: { query?: { stream?: '0' | '1' | 'true' | 'false' | undefined; runs?: string | undefined }; answer: { readonly items: readonly (Run)[] } }
  }
  '/api/runs/{id}/results': {
    get: { path: { id: string | number }; answer: { readonly models: readonly (ModelResult)[] } }
  }
  '/api/runs/{id}/matrix': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined }; answer: { readonly items: readonly (MatrixRow)[]; readonly next: string | null } }
  }
  '/api/runs/{id}/scenarios': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined }; answer: { readonly items: readonly ({ readonly n: number; readonly key: string; readonly dimensions: Readonly<Record<string, { readonly score: number; readonly label: string; readonly option: string }>>; readonly prompt: string })[]; readonly next: string | null } }
  }
  '/api/runs/{id}/transcripts': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined; model?: string | undefined; scenario?: number | undefined; scenarioKey?: string | undefined; decision?: string | undefined; search?: string | undefined }; answer: { readonly items: readonly (Transcript)[]; readonly next: string | null } }
  }
  '/api/runs/{id}/transcripts/{n}': {
    get: { path: { id: string | number; n: string | number }; query?: { model?: string | undefined; scenario?: number | undefined; scenarioKey?: string | undefined; decision?: string | undefined; search?: string | undefined }; answer: { readonly n: number; readonly scenario: number; readonly scenarioKey: string; readonly model: string; readonly modelVersion: string | null; readonly sample: number; readonly decision: string | null; readonly decisionLabel: string | null; readonly overridden: boolean; readonly turnCount: number; readonly wordCount: number; readonly inputTokens: number; readonly outputTokens: number; readonly costUsd: number | null; readonly durationMs: number; readonly createdAt: string; readonly dimensions: Readonly<Record<string, { readonly score: number; readonly label: string; readonly option: string }>>; readonly turns: readonly (Turn)[]; readonly read: ({ readonly outcome: string; readonly code: string | null; readonly label: string | null; readonly by: string | null } | null); readonly overrides: readonly ({ readonly outcome: string | null; readonly code: string | null; readonly label: string | null; readonly by: string; readonly at: string })[]; readonly previous: (number | null); readonly next: (number | null) } }
  }
  '/api/runs/{id}/transcripts/{n}/decision': {
    put: { path: { id: string | number; n: string | number }; body: { readonly decision: (string | null) }; answer: { readonly n: number; readonly scenario: number; readonly scenarioKey: string; readonly model: string; readonly modelVersion: string | null; readonly sample: number; readonly decision: string | null; readonly decisionLabel: string | null; readonly overridden: boolean; readonly turnCount: number; readonly wordCount: number; readonly inputTokens: number; readonly outputTokens: number; readonly costUsd: number | null; readonly durationMs: number; readonly createdAt: string; readonly dimensions: Readonly<Record<string, { readonly score: number; readonly label: string; readonly option: string }>>; readonly turns: readonly (Turn)[]; readonly read: ({ readonly outcome: string; readonly code: string | null; readonly label: string | null; readonly by: string | null } | null); readonly overrides: readonly ({ readonly outcome: string | null; readonly code: string | null; readonly label: string | null; readonly by: string; readonly at: string })[]; readonly previous: (number | null); readonly next: (number | null) } }
  }
  '/api/runs/{id}/analysis': {
    get: { path: { id: string | number }; answer: KeptAnalysis }
    post: { path: { id: string | number }; answer: { readonly run: null } | { readonly run: Run } }
  }
  '/api/compare': {
    get: { query: { runs: string; seed?: number | undefined }; answer: Comparison }
  }
  '/api/runs/{id}/efficiency': {
    get: { path: { id: string | number }; answer: Efficiency }
  }
  '/api/export/runs/{id}/csv': {
    get: { path: { id: string | number }; query?: { columns?: 'contract' | 'all' | undefined; texts?: '0' | '1' | 'true' | 'false' | undefined }; answer: never }
  }
  '/api/export/runs/{id}/jsonl': {
    get: { path: { id: string | number }; answer: never }
  }
  '/api/runs/{id}/artifacts': {
    get: { path: { id: string | number }; answer: { readonly artifacts: readonly (Artifact)[]; readonly card: readonly (CardArtifact)[] } }
  }
  '/api/runs/{id}/artifacts/{artifact}': {
    get: { path: { id: string | number; artifact: string | number }; answer: never }
  }
  '/api/definitions': {
    get: { query?: { limit?: number | undefined; cursor?: string | undefined; search?: string | undefined; tag?: string | undefined; parent?: number | undefined }; answer: { readonly items: readonly (DefinitionHead)[]; readonly next: string | null } }
    post: { body: { readonly schemaVersion?: 1 | undefined; readonly name: string; readonly preamble?: string | undefined; readonly preambleAs?: 'system' | 'user' | undefined; readonly template: string; readonly dimensions?: readonly ({ readonly name: string; readonly levels?: readonly ({ readonly score: number; readonly label: string; readonly options?: readonly (string)[] | undefined })[] | undefined; readonly values?: readonly (string)[] | undefined })[] | undefined; readonly followups?: readonly ({ readonly label: string; readonly prompt: string })[] | undefined; readonly decision?: { readonly instruction?: string | undefined; readonly labels: readonly ({ readonly code: (string | number); readonly label: string })[] } | undefined; readonly tags?: readonly (string)[] | undefined }; answer: Definition }
  }
  '/api/definitions/import': {
    post: { answer: Definition }
  }
  '/api/definitions/{id}': {
    get: { path: { id: string | number }; query?: { version?: number | undefined }; answer: Definition }
    patch: { path: { id: string | number }; body: { readonly baseVersion?: number | undefined; readonly set?: Readonly<Record<string, unknown>> | undefined; readonly inherit?: readonly ('name' | 'preamble' | 'preambleAs' | 'template' | 'dimensions' | 'followups' | 'decision' | 'tags')[] | undefined; readonly parentVersion?: number | undefined }; answer: Definition }
    delete: { path: { id: string | number }; answer: undefined }
  }
  '/api/definitions/{id}/fork': {
    post: { path: { id: string | number }; body?: ({ readonly version?: number | undefined; readonly set?: Readonly<Record<string, unknown>> | undefined } | null); answer: Definition }
  }
  '/api/definitions/{id}/versions': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined }; answer: { readonly items: readonly ({ readonly version: number; readonly hash: string; readonly parentVersion: (number | null); readonly createdAt: string; readonly createdBy: string })[]; readonly next: string | null } }
  }
  '/api/definitions/{id}/export': {
    get: { path: { id: string | number }; query?: { version?: number | undefined; format?: 'yaml' | 'markdown' | undefined }; answer: never }
  }
  '/api/definitions/{id}/scenarios': {
    get: { path: { id: string | number }; query?: { version?: number | undefined; limit?: number | undefined; cursor?: string | undefined; seed?: string | undefined }; answer: { readonly items: readonly ({ readonly index: number; readonly key: string; readonly dimensions: Readonly<Record<string, { readonly score: number; readonly label: string; readonly option: string }>>; readonly prompt: string })[]; readonly next: string | null; readonly count: number; readonly warnings: readonly (string)[] } }
  }
  '/api/definitions/check': {
    post: { body: { readonly schemaVersion?: 1 | undefined; readonly name: string; readonly preamble?: string | undefined; readonly preambleAs?: 'system' | 'user' | undefined; readonly template: string; readonly dimensions?: readonly ({ readonly name: string; readonly levels?: readonly ({ readonly score: number; readonly label: string; readonly options?: readonly (string)[] | undefined })[] | undefined; readonly values?: readonly (string)[] | undefined })[] | undefined; readonly followups?: readonly ({ readonly label: string; readonly prompt: string })[] | undefined; readonly decision?: { readonly instruction?: string | undefined; readonly labels: readonly ({ readonly code: (string | number); readonly label: string })[] } | undefined; readonly tags?: readonly (string)[] | undefined }; answer: { readonly content: DefinitionContent; readonly hash: string; readonly scenarios: string; readonly warnings: readonly (string)[] } }
  }
  '/api/definitions/draft': {
    post: { body: ({ readonly definition: DefinitionContentInput } | { readonly yaml: string }); answer: DefinitionDraft }
  }
  '/api/diagnosis-runs': {
    post: { body: { readonly assessmentId: string; readonly correlationId: string }; answer: { readonly id: string; readonly status: 'queued' | 'in_progress' | 'completed' | 'failed'; readonly created: false } | { readonly id: string; readonly status: 'queued' | 'in_progress' | 'completed' | 'failed'; readonly created: true } }
    get: { query?: { limit?: number | undefined; before?: unknown | undefined; after?: string | undefined }; answer: { readonly items: readonly ((DiagnosisLine | PatientResult))[] } }
  }
  '/api/diagnosis-runs/{id}': {
    get: { path: { id: string | number }; answer: (DiagnosisRun | DiagnosisLine | PatientResult) }
  }
  '/api/diagnosis-runs/{id}/audit': {
    get: { path: { id: string | number }; answer: { readonly items: readonly ({ readonly id: number; readonly action: string; readonly by: string; readonly at: string })[] } }
  }
  '/api/diagnosis-runs/{id}/process': {
    post: { path: { id: string | number }; answer: (DiagnosisRun | DiagnosisLine | PatientResult) }
  }
  '/api/diagnosis-runs/{id}/retry': {
    post: { path: { id: string | number }; answer: { readonly id: string; readonly round: number } }
  }
  '/api/stage-recipes': {
    get: { query?: { workspaceId?: number | undefined }; answer: { readonly recipes: readonly (StageRecipe)[] } }
    post: { body: { readonly action: 'initialize'; readonly workspaceId?: number | undefined; readonly provider?: string | undefined }; answer: { readonly created: readonly (string)[]; readonly kept: readonly (string)[] } }
  }
  '/api/stage-recipes/{stage}': {
    get: { path: { stage: string | number }; query?: { workspaceId?: number | undefined }; answer: { readonly recipe: StageRecipe; readonly validation: RecipeValidation } }
    patch: { path: { stage: string | number }; body: { readonly workspaceId?: number | undefined; readonly baseVersion?: number | undefined }; answer: { readonly recipe: StageRecipe; readonly validation: RecipeValidation } }
    delete: { path: { stage: string | number }; query?: { workspaceId?: number | undefined; baseVersion?: number | undefined }; answer: undefined }
  }
  '/api/stage-recipes/{stage}/check': {
    post: { path: { stage: string | number }; body: { readonly workspaceId?: number | undefined; readonly baseVersion?: number | undefined }; answer: RecipeValidation }
  }
  '/api/stage-recipes/{stage}/preview': {
    post: { path: { stage: string | number }; body: { readonly cardId: number; readonly workspaceId?: number | undefined }; answer: { readonly stage: string; readonly results: readonly (GateResult)[]; readonly blocked: boolean } }
  }
  '/api/cards/{id}/documents': {
    get: { path: { id: string | number }; answer: { readonly documents: readonly (DocumentHead)[] } }
  }
  '/api/cards/{id}/documents/{path}': {
    get: { path: { id: string | number; path: string | number }; query?: { version?: number | undefined }; answer: Document }
    put: { path: { id: string | number; path: string | number }; body: { readonly content: string; readonly baseVersion: number }; answer: Document }
  }
  '/api/cards/{id}/documents/{path}/versions': {
    get: { path: { id: string | number; path: string | number }; answer: { readonly versions: readonly (DocumentVersion)[] } }
  }
  '/api/cards/{id}/documents/{path}/diff': {
    get: { path: { id: string | number; path: string | number }; query: { from: number; to: number }; answer: { readonly from: number; readonly to: number; readonly diff: string } }
  }
  '/api/cards/{id}/artifacts': {
    get: { path: { id: string | number }; answer: { readonly artifacts: readonly (CardArtifact)[] } }
    post: { path: { id: string | number }; body: { readonly type: 'url' | 'pr' | 'ticket' | 'chromatic'; readonly label: string; readonly uri: string }; answer: { readonly id: number } }
  }
  '/api/cards/{id}/artifacts/{artifact}': {
    get: { path: { id: string | number; artifact: string | number }; answer: never }
  }
  '/api/cards/{id}/metrics': {
    get: { path: { id: string | number }; query?: { name?: string | undefined }; answer: { readonly metrics: readonly (Metric)[] } }
    post: { path: { id: string | number }; body: { readonly name: string; readonly value: number; readonly unit?: string | undefined }; answer: { readonly id: number } }
  }
  '/api/cards/{id}/gates': {
    get: { path: { id: string | number }; query?: { run?: number | undefined; limit?: number | undefined }; answer: { readonly results: readonly (KeptGateResult)[] } }
  }
  '/api/diagnosis/organisations': {
    get: { answer: { readonly items: readonly (Organisation)[] } }
  }
  '/api/diagnosis/clinicians': {
    get: { answer: { readonly items: readonly (Clinician)[] } }
  }
  '/api/diagnosis/patients': {
    get: { query?: { limit?: number | undefined; after?: string | undefined }; answer: { readonly items: readonly (Patient)[] } }
  }
  '/api/diagnosis/assessments': {
    get: { query?: { limit?: number | undefined; patient?: string | undefined; before?: unknown | undefined; after?: string | undefined }; answer: { readonly items: readonly (Assessment)[] } }
  }
  '/api/diagnosis/organisations/{id}/people': {
    get: { path: { id: string | number }; answer: { readonly items: readonly ({ readonly subject: string; readonly role: 'admin' | 'clinician' | 'patient'; readonly clinician_id: (string | null); readonly patient_id: (string | null) })[] } }
    post: { path: { id: string | number }; body: { readonly subject: string; readonly role: 'admin' | 'clinician' | 'patient'; readonly person?: string | undefined }; answer: { readonly created: boolean } }
  }
  '/api/diagnosis/organisations/{id}/people/dismiss': {
    post: { path: { id: string | number }; body: { readonly subject: string; readonly role: 'admin' | 'clinician' | 'patient' }; answer: undefined }
  }
  '/api/diagnosis/organisations/{id}/appointments': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined }; answer: { readonly items: readonly ({ readonly subject: string; readonly role: 'admin' | 'clinician' | 'patient'; readonly clinician_id: (string | null); readonly patient_id: (string | null); readonly id: number; readonly action: 'appointed' | 'dismissed'; readonly by: string; readonly at: string })[] } }
  }
  '/api/diagnosis-runs/export': {
    get: { answer: never }
  }
  '/api/models': {
    get: { query?: { provider?: string | undefined }; answer: { readonly models: readonly ({ readonly spec: string; readonly providerId: string; readonly model: string; readonly description: string; readonly price: ({ readonly input: number; readonly output: number; readonly deprecated: boolean; readonly table: string; readonly version: string } | null) })[]; readonly providers: readonly ({ readonly id: string; readonly name: string; readonly models: number; readonly failure: ({ readonly code: string; readonly message: string } | null) })[] } }
  }
  '/api/provider-keys': {
    get: { answer: { readonly keys: readonly (ProviderKey)[] } }
  }
  '/api/provider-keys/{provider}': {
    put: { path: { provider: string | number }; body: { readonly key: string }; answer: { readonly provider: string; readonly fingerprint: string } }
    delete: { path: { provider: string | number }; answer: undefined }
  }
  '/api/limits': {
    get: { answer: { readonly limits: readonly (Limit)[] } }
  }
  '/api/limits/{key}': {
    put: { path: { key: string | number }; body: { readonly concurrency?: (number | null) | undefined; readonly requestsPerMinute?: (number | null) | undefined; readonly tokensPerMinute?: (number | null) | undefined }; answer: Limit }
  }
  '/api/limits/{key}/stop': {
    post: { path: { key: string | number }; answer: Limit }
  }
  '/api/limits/{key}/release': {
    post: { path: { key: string | number }; answer: Limit }
  }
  '/api/usage': {
    get: { query?: { days?: number | undefined; by?: 'day' | 'model' | 'run' | undefined }; answer: { readonly by: 'day' | 'model' | 'run'; readonly since: string; readonly lines: readonly ({ readonly of: string; readonly calls: number; readonly tokens: number; readonly costUsd: number; readonly unpriced: number })[]; readonly total: { readonly calls: number; readonly tokens: number; readonly costUsd: number; readonly unpriced: number } } }
  }
  '/api/workspaces/{id}/budget': {
    get: { path: { id: string | number }; answer: { readonly budget: (Budget | null) } }
    put: { path: { id: string | number }; body: { readonly tokens?: number | undefined; readonly micros?: number | undefined }; answer: { readonly budget: (Budget | null) } }
  }
  '/api/retention': {
    get: { query: { olderThanDays: number; kind?: string | undefined }; answer: { readonly runs: number; readonly oldest: ({ readonly id: number; readonly kind: string; readonly at: string } | null) } }
  }
  '/api/retention/prune': {
    post: { body: { readonly olderThanDays: number; readonly kind?: string | undefined; readonly everywhere?: boolean | undefined }; answer: { readonly pruned: number; readonly more: boolean } }
  }
  '/api/health/tools': {
    get: { answer: { readonly states: Readonly<Record<string, number>>; readonly unwell: readonly ({ readonly name: string; readonly state: 'LOADED' | 'INITIALIZED' | 'RUNNING' | 'FAILED' | 'UNAVAILABLE'; readonly reason: string | null })[] } }
  }
  '/v1/tools': {
    get: { answer: { readonly tools: readonly (Tool)[] } }
  }
  '/v1/tools/{name}': {
    get: { path: { name: string | number }; answer: { readonly name: string; readonly version: string | null; readonly description: string | null; readonly carrier: string | null; readonly capabilities: readonly (string)[]; readonly timeout_ms: (number | null); readonly concurrency: (number | null); readonly state: 'LOADED' | 'INITIALIZED' | 'RUNNING' | 'FAILED' | 'UNAVAILABLE'; readonly places: readonly ({ readonly worker: number; readonly state: 'LOADED' | 'INITIALIZED' | 'RUNNING' | 'FAILED' | 'UNAVAILABLE'; readonly inFlight: number; readonly lastOutcome: ('success' | 'error' | 'caller_error' | null); readonly reason: string | null; readonly file: string | null; readonly line: (number | null) })[]; readonly success_count: number; readonly error_count: number; readonly caller_error_count: number; readonly last_execution_time_ms: number | null; readonly avg_execution_time_ms: number | null; readonly p95_execution_time_ms: number | null; readonly last_used: (string | null); readonly input: unknown; readonly output: unknown; readonly errors: unknown } }
  }
  '/v1/analyze-execution': {
    post: { body: { readonly tool?: string | undefined; readonly input?: unknown | undefined; readonly plugin?: string | undefined; readonly image?: string | undefined; readonly mime_type?: string | undefined; readonly mode?: 'sync' | 'async' | undefined; readonly retries?: number | undefined }; answer: ToolResult | { readonly run: number; readonly status: 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILED' } }
  }
  '/v1/analyze-execution/jobs': {
    get: { query?: { limit?: number | undefined; cursor?: string | undefined; status?: 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILED' | undefined; tool?: string | undefined; plugin?: string | undefined; since?: string | undefined; until?: string | undefined }; answer: { readonly items: readonly (ToolJob)[]; readonly next: string | null } }
  }
  '/v1/analyze-execution/jobs/{id}': {
    get: { path: { id: string | number }; answer: ToolJob }
    delete: { path: { id: string | number }; answer: ToolJob }
  }
  '/v1/analyze-execution/jobs/{id}/result': {
    get: { path: { id: string | number }; answer: ToolResult }
  }
  '/api/board': {
    get: { query?: { workspaceId?: number | undefined; limit?: number | undefined; archived?: '0' | '1' | 'true' | 'false' | undefined; stream?: '0' | '1' | 'true' | 'false' | undefined }; answer: { readonly workspace: number; readonly columns: readonly (Column)[] } }
  }
  '/api/board/stages': {
    put: { query?: { workspaceId?: number | undefined }; body: { readonly stages: readonly ({ readonly key: string; readonly name: string })[] }; answer: { readonly stages: readonly ({ readonly key: string; readonly name: string })[] } }
  }
  '/api/board/settings': {
    get: { query?: { workspaceId?: number | undefined }; answer: BoardSettings }
    patch: { query?: { workspaceId?: number | undefined }; body: { readonly automationMode?: 'manual' | 'auto_to_stage' | 'auto_all' | undefined; readonly automationStopStage?: (string | null) | undefined; readonly workerEnabled?: boolean | undefined; readonly workerMaxConcurrency?: number | undefined; readonly workerPollIntervalMs?: number | undefined; readonly aiExecutionMode?: 'server' | 'off' | undefined; readonly fourEyes?: boolean | undefined; readonly version?: number | undefined }; answer: BoardSettings }
  }
  '/api/webhooks': {
    get: { query?: { workspaceId?: number | undefined }; answer: { readonly webhooks: readonly (Webhook)[] } }
    post: { body: { readonly url: string; readonly kinds?: readonly ('run_succeeded' | 'run_failed' | 'approval_needed' | 'review_needed' | 'questions_asked' | 'card_reverted' | 'automation_stopped')[] | undefined }; answer: { readonly id: number; readonly secret: string } }
  }
  '/api/webhooks/{id}': {
    patch: { path: { id: string | number }; body: { readonly enabled?: boolean | undefined; readonly url?: string | undefined; readonly kinds?: readonly ('run_succeeded' | 'run_failed' | 'approval_needed' | 'review_needed' | 'questions_asked' | 'card_reverted' | 'automation_stopped')[] | undefined }; answer: undefined }
    delete: { path: { id: string | number }; answer: undefined }
  }
  '/api/webhooks/{id}/deliveries': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined }; answer: { readonly items: readonly (Delivery)[]; readonly next: string | null } }
  }
  '/api/cards': {
    get: { query?: { limit?: number | undefined; cursor?: string | undefined; workspaceId?: number | undefined; stage?: string | undefined; status?: 'active' | 'paused' | 'completed' | 'archived' | undefined; search?: string | undefined }; answer: { readonly items: readonly (CardHead)[]; readonly next: string | null } }
    post: { body: { readonly title: string; readonly description?: string | undefined; readonly stage?: string | undefined; readonly priority?: 'low' | 'medium' | 'high' | 'urgent' | undefined; readonly metadata?: Readonly<Record<string, unknown>> | undefined; readonly workspaceId?: number | undefined }; answer: { readonly card: Card; readonly run: (number | null) } }
  }
  '/api/cards/{id}': {
    get: { path: { id: string | number }; answer: { readonly id: number; readonly workspace: number; readonly title: string; readonly stage: string; readonly priority: 'low' | 'medium' | 'high' | 'urgent'; readonly status: 'active' | 'paused' | 'completed' | 'archived'; readonly version: number; readonly enteredAt: string; readonly updatedAt: string; readonly run: ({ readonly id: number; readonly status: 'queued' | 'running' | 'paused' | 'awaiting_approval' | 'succeeded' | 'failed' | 'cancelled'; readonly awaits: ('approval' | 'questions' | 'review' | null); readonly active: boolean; readonly percent: number; readonly failure: string | null } | null); readonly openQuestions: number; readonly description: string; readonly metadata: Readonly<Record<string, unknown>>; readonly activeRun: (number | null); readonly createdBy: string; readonly createdAt: string; readonly questions: readonly (Question)[] } }
    patch: { path: { id: string | number }; body: { readonly version: number; readonly title?: string | undefined; readonly description?: string | undefined; readonly priority?: 'low' | 'medium' | 'high' | 'urgent' | undefined; readonly status?: 'active' | 'paused' | 'completed' | 'archived' | undefined; readonly metadata?: Readonly<Record<string, unknown>> | undefined; readonly cancelActiveRun?: boolean | undefined }; answer: Card }
    delete: { path: { id: string | number }; answer: undefined }
  }
  '/api/cards/{id}/move': {
    post: { path: { id: string | number }; body: { readonly to: string; readonly version: number; readonly reason?: string | undefined; readonly before?: number | undefined; readonly cancelActiveRun?: boolean | undefined }; answer: { readonly card: Card; readonly transition: (Transition | null) } }
  }
  '/api/cards/{id}/transitions': {
    get: { path: { id: string | number }; query?: { limit?: number | undefined; cursor?: string | undefined }; answer: { readonly items: readonly (Transition)[]; readonly next: string | null } }
  }
  '/api/cards/{id}/questions': {
    get: { path: { id: string | number }; answer: { readonly questions: readonly (Question)[] } }
    post: { path: { id: string | number }; body: { readonly question: string }; answer: Question }
  }
  '/api/cards/{id}/questions/{q}': {
    post: { path: { id: string | number; q: string | number }; body: { readonly answer: string }; answer: Question }
  }
  '/api/cards/{id}/records': {
    get: { path: { id: string | number }; answer: CardRecords }
  }
  '/api/notifications': {
    get: { query?: { limit?: number | undefined; cursor?: string | undefined; workspaceId?: number | undefined; unread?: '0' | '1' | 'true' | 'false' | undefined; stream?: '0' | '1' | 'true' | 'false' | undefined }; answer: { readonly items: readonly (Notification)[]; readonly next: string | null; readonly unread: number } }
  }
  '/api/notifications/read': {
    post: { query?: { workspaceId?: number | undefined }; body: { readonly ids?: readonly (number)[] | undefined; readonly upTo?: number | undefined }; answer: { readonly unread: number } }
  }
  '/api/approvals': {
    get: { query?: { limit?: number | undefined; cursor?: string | undefined; workspaceId?: number | undefined }; answer: { readonly items: readonly (WaitingRun)[]; readonly next: string | null } }
  }
  '/api/skills': {
    get: { query?: { limit?: number | undefined; cursor?: string | undefined; workspaceId?: number | undefined; q?: string | undefined; source?: 'local' | 'skillsmp' | undefined; trustLevel?: 'vetted' | 'community' | 'experimental' | undefined; tag?: string | undefined }; answer: { readonly items: readonly ((Skill | SkillListing))[]; readonly next: string | null } }
    post: { body: ({ readonly action: 'sync'; readonly workspaceId?: number | undefined } | { readonly action: 'import'; readonly workspaceId?: number | undefined; readonly archive?: string | undefined; readonly within?: string | undefined; readonly skillsmpId?: string | undefined; readonly trustLevel?: 'vetted' | 'community' | 'experimental' | undefined; readonly pinVersion?: boolean | undefined } | { readonly action: 'create'; readonly workspaceId?: number | undefined; readonly name: string; readonly description: string; readonly promptTemplate: string; readonly inputSchema?: Readonly<Record<string, unknown>> | undefined; readonly outputSchema?: Readonly<Record<string, unknown>> | undefined; readonly tags?: readonly (string)[] | undefined; readonly version?: string | undefined }); answer: (SkillSync | BroughtSkill) | BroughtSkill }
  }
  '/api/skills/{id}': {
    get: { path: { id: string | number }; query?: { version?: number | undefined }; answer: StoredSkill }
    patch: { path: { id: string | number }; body: { readonly trustLevel?: 'vetted' | 'community' | 'experimental' | undefined; readonly note?: string | undefined; readonly version?: number | undefined; readonly digest?: string | undefined; readonly pinVersion?: boolean | undefined }; answer: StoredSkill }
    delete: { path: { id: string | number }; answer: undefined }
  }
  '/api/skills/{id}/file': {
    get: { path: { id: string | number }; query: { version?: number | undefined; path: string }; answer: { readonly path: string; readonly size: number; readonly digest: string; readonly text: string | null } }
  }
  '/health/live': {
    get: { answer: { readonly status: 'ok' } }
  }
  '/health/ready': {
    get: { answer: { readonly status: 'ok' | 'unavailable'; readonly missing: readonly (string)[] } }
  }
  '/health': {
    get: { answer: { readonly status: 'ok' | 'unavailable'; readonly missing: readonly (string)[] } }
  }
  '/api/health/workers': {
    get: { answer: { readonly alive: number; readonly stale: number; readonly slots: number; readonly busy: number; readonly workers: readonly (Worker)[]; readonly python: { readonly healthy: boolean; readonly version: string | null; readonly missing: readonly (string)[]; readonly warnings: readonly (string)[] } } }
  }
  '/api/health/queue': {
    get: { answer: QueueHealth }
  }
  '/api/health/providers': {
    get: { answer: { readonly providers: readonly (ProviderHealth)[] } }
    post: { answer: { readonly providers: readonly (ProviderHealth)[] } }
  }
  '/api/health/system': {
    get: { answer: { readonly status: 'ok' | 'degraded'; readonly problems: readonly ('no_worker' | 'stale_worker' | 'no_provider')[]; readonly uptime: number; readonly version: string; readonly node: string; readonly postgres: string; readonly database: { readonly bytes: number; readonly connections: number; readonly waiting: number }; readonly readers: number } }
  }
  '/api/workers': {
    get: { query?: { workspaceId?: number | undefined }; answer: { readonly workers: readonly (Worker)[]; readonly health: WorkersHealth } }
    post: { body: { readonly action: 'health_check' | 'rescue' | 'cleanup'; readonly workspaceId?: number | undefined }; answer: ({ readonly action: 'health_check'; readonly healthy: boolean; readonly workersActive: number; readonly queuedRunsWaiting: number; readonly message: string } | { readonly action: 'rescue'; readonly gone: number; readonly rescued: number; readonly message: string } | { readonly action: 'cleanup'; readonly cleanedUp: number; readonly message: string }) }
  }
  '/metrics': {
    get: { answer: never }
  }
}
