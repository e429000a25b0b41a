// Lives a user's whole visit with the public npm client and prints what it got, as one JSON object.
import { join } from "node:path";
import { Whisk } from "@rohitaryal/whisk-api";

const [cookie, folder] = process.argv.slice(2);
const seen = {};

async function failure(action) {
  try {
    await action();
    return null;
  } catch (error) {
    return error.message;
  }
}

const whisk = new Whisk(cookie);
const project = await whisk.newProject("Cast of the village");
seen.project = project.projectId;

const picture = await project.generateImage({
  prompt: "a court jester, upright",
  seed: 41,
  aspectRatio: "IMAGE_ASPECT_RATIO_PORTRAIT",
});
seen.generated = {
  id: picture.mediaGenerationId,
  seed: picture.seed,
  model: picture.model,
  workflow: picture.workflowId,
  aspect: picture.aspectRatio,
};
seen.saved = picture.save(folder);

const fetched = await Whisk.getMedia(picture.mediaGenerationId, whisk.account);
seen.fetchedSame = fetched.encodedMedia === picture.encodedMedia;
seen.fetchedType = fetched.mediaType;

seen.captions = await picture.caption(2);

// As the client's own reader of files would say it of a .jpg.
const encoded = `data:image/jpg;base64,${picture.encodedMedia}`;
await project.addSubject(encoded);
await project.addStyle(encoded);
seen.subject = project.subjects[0];
const scene = await project.generateImageWithReferences("the jester on a market day");
seen.scene = { id: scene.mediaGenerationId, model: scene.model, saved: scene.save(join(folder, "scene")) };

const refined = await picture.refine("give him glasses");
seen.refined = { model: refined.model, saved: refined.save(join(folder, "refined")) };

const several = await whisk.generateImage("a village square", 3);
seen.several = several.map((one) => one.seed);

await scene.deleteMedia();
seen.deletedTwice = await failure(() => scene.deleteMedia());
seen.fetchDeleted = await failure(() => Whisk.getMedia(scene.mediaGenerationId, whisk.account));
await project.delete();

const stranger = new Whisk("__Secure-next-auth.session-token=eyJwrong");
seen.stranger = await failure(() => stranger.newProject("nobody"));
seen.strangerToken = await failure(() => stranger.account.refresh());
seen.quota = await failure(() => project.generateImage("one quota too many"));

console.log(JSON.stringify(seen));
