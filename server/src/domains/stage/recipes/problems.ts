/** The codes with which recipes and the work of cards refuse: the status at HTTP, and a title. */
export const RECIPE_PROBLEMS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  NO_SUCH_DOCUMENT: [404, 'There is no such document'],
  NO_SUCH_RECIPE: [404, 'The stage has no recipe'],
  RECIPE_CHANGED: [409, 'Somebody else has changed the recipe'],
  DOCUMENT_CHANGED: [409, 'Somebody else has changed the document'],
  DOCUMENT_TOO_LARGE: [413, 'The document is too large'],
  INVALID_RECIPE: [422, 'The recipe cannot run'],
  INVALID_PATH: [422, 'This is no name of a document'],
  INVALID_LINK: [422, 'This is no address of an artifact'],
  INVALID_METRIC: [422, 'This metric cannot be kept'],
}
