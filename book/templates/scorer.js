// Search results: pages of the story before modules of the library, which hold the same words many times (Sphinx asks for var).
var Scorer = {
  score: ([page, , , , score]) => (page.startsWith("book/api/") ? score - 100 : score),
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0, // as Sphinx has them
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
