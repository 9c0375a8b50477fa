/** The files of the project that are made from the tables of the languages, by their paths. */
import { DIRECTORY } from '../directory.ts';
import { APPLICATION } from '../grammar.ts';
import { referencePage } from './page.ts';
import { xmlSchema } from './xsd.ts';

const NOTE =
  'Written by `npm run build` from the table in src/core/spec. For editors and generators: Plush itself does not read this file, and checks more than a schema can.';

/** Each path, relative to the project, with its text. */
export function publishedFiles(): Readonly<Record<string, string>> {
  return {
    'api/plush-application.xsd': xmlSchema('plush', APPLICATION, NOTE),
    'api/plush-directory.xsd': xmlSchema('plush', DIRECTORY, NOTE),
    'docs/specification-reference.md': referencePage(),
  };
}
